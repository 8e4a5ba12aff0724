"""Working days between two dates, public holidays left out."""

from datetime import date, timedelta

import falcon
import holidays

LONGEST = timedelta(days=20 * 366)
SATURDAY = 5


class Health:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"status": "ok"}


class WorkingDays:
    def on_get(self, request: falcon.Request, response: falcon.Response, country: str) -> None:
        first = request.get_param_as_date("from", required=True)
        last = request.get_param_as_date("to", required=True)
        if not timedelta(0) <= last - first <= LONGEST:
            raise falcon.HTTPInvalidParam("It must lie after `from`, by 20 years at most.", "to")
        try:
            free = holidays.country_holidays(country.upper())
        except NotImplementedError as error:
            raise falcon.HTTPNotFound(title=f"No holidays are known of {country}") from error
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        response.media = {
            "days": sum(is_working_day(day, free) for day in days),
            "holidays": {str(day): free[day] for day in days if day in free},
        }


def is_working_day(day: date, free: holidays.HolidayBase) -> bool:
    return day.weekday() < SATURDAY and day not in free


app = falcon.App()
app.add_route("/healthz", Health())
app.add_route("/{country}", WorkingDays())
