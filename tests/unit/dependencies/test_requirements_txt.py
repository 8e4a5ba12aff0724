from __future__ import annotations

import codecs

import pytest
from tests.unit.dependencies.project import meaning, read, read_line, read_text

SAME = [
    ("comment", "flask==1.0\n", "# web\nflask==1.0  # pinned\n\n"),
    ("blank lines and order", "flask==1\ndjango==2\n", "\n\ndjango==2\n\n\nflask==1"),
    ("carriage returns", "flask==1\ndjango\n", "flask==1\r\ndjango\r\n"),
    ("spelling of the name", "Flask.Login_X==1\n", "flask-login-x==1\n"),
    ("space around the operator", "flask==1.0\n", "flask == 1.0\n"),
    ("order of clauses", "flask>=1,<2\n", "flask<2,>=1\n"),
    ("parentheses", "flask>=1,<2\n", "flask (>=1, <2)\n"),
    ("trailing zeros", "flask==1.0\n", "flask==1.0.0\n"),
    ("spelling of the version", "flask==1.0rc1\n", "flask==1.0.RC1\n"),
    ("order and spelling of extras", "uvicorn[a_b,C]\n", "uvicorn[c, A-B]\n"),
    ("quotes in a marker", "a ; python_version<'3.9'\n", 'a;python_version < "3.9"\n'),
    ("order in a marker", "a ; os_name=='x' and extra=='y'\n", "a ; extra=='y' and os_name=='x'\n"),
    (
        "continuation",
        "flask==1 --hash=sha256:aa --hash=sha256:bb\n",
        "flask==1 \\\n --hash=sha256:bb \\\n --hash=sha256:AA\n",
    ),
    ("said twice", "flask==1\n", "flask==1\nFlask == 1\n"),
    ("short option", "--index-url https://a/simple\n", "-i https://a/simple/\n"),
    ("option with equals", "--extra-index-url https://a/simple\n", "--extra-index-url=https://a/simple\n"),
    ("another password", "-i https://me:one@a/simple\n", "-i https://you:two@a/simple\n"),
    ("no password", "-i https://${USER}:${PASSWORD}@a/simple\n", "-i https://a/simple\n"),
    ("another password of a URL", "a @ https://me:one@h/a.zip\n", "a @ https://h/a.zip\n"),
    (
        "another signature of a URL",
        "a @ https://h/a.zip?X-Amz-Signature=1&v=1\n",
        "a @ https://h/a.zip?v=1&X-Amz-Signature=2\n",
    ),
    ("egg or at", "git+https://h/a.git@v1#egg=a\n", "a @ git+https://h/a.git@v1\n"),
    ("local path", "./libs/core/\n", "./libs/./core\n"),
    ("order of unordered options", "--prefer-binary\n--trusted-host a\n", "--trusted-host A\n--prefer-binary\n"),
    ("order between families", "--pre\n-i https://a\n", "-i https://a\n--pre\n"),
    ("names in --only-binary", "--only-binary a_b,c\n", "--only-binary=C,a-b\n"),
    ("quoted setting", 'a --config-settings "k=v w"\n', "a -C 'k=v w'\n"),
    ("byte order mark", "flask==1\n", codecs.BOM_UTF8.decode() + "flask==1\n"),
]


@pytest.mark.parametrize(("one", "other"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_meaning__same(one: str, other: str) -> None:
    assert meaning(one) == meaning(other)


OTHER = [
    ("version", "flask==1.0\n", "flask==1.1\n"),
    ("operator", "flask==1.0\n", "flask>=1.0\n"),
    ("zeros of a compatible release", "flask~=1.0\n", "flask~=1.0.0\n"),
    ("zeros of a wildcard", "flask==1.*\n", "flask==1.0.*\n"),
    ("name", "flask==1\n", "flask-x==1\n"),
    ("extra", "uvicorn\n", "uvicorn[standard]\n"),
    ("marker", "a\n", "a ; python_version < '3.9'\n"),
    ("marker's value", "a ; os_name == 'A'\n", "a ; os_name == 'a'\n"),
    ("marker's connective", "a ; os_name=='x' and extra=='y'\n", "a ; os_name=='x' or extra=='y'\n"),
    ("hash", "a==1 --hash=sha256:aa\n", "a==1 --hash=sha256:ab\n"),
    ("one hash more", "a==1 --hash=sha256:aa\n", "a==1 --hash=sha256:aa --hash=sha256:ab\n"),
    ("URL", "a @ https://h/a-1.zip\n", "a @ https://h/a-2.zip\n"),
    ("URL or index", "a==1\n", "a @ https://h/a-1.zip\n"),
    ("host", "a @ https://h/a.zip\n", "a @ https://i/a.zip\n"),
    ("commit", "git+https://h/a.git@v1#egg=a\n", "git+https://h/a.git@v2#egg=a\n"),
    ("folder in a repository", "a @ git+https://h/a.git\n", "a @ git+https://h/a.git#subdirectory=b\n"),
    ("index", "-i https://a/simple\n", "-i https://b/simple\n"),
    ("index or extra index", "-i https://a/simple\n", "--extra-index-url https://a/simple\n"),
    ("order of indexes", "-i https://a\n-i https://b\n", "-i https://b\n-i https://a\n"),
    ("token in the path of an index", "-i https://h/abcdefgh12345678/s\n", "-i https://h/abcdefgh12345679/s\n"),
    ("environment variable", "a @ https://h/${A}.zip\n", "a @ https://h/${B}.zip\n"),
    ("find links", "--find-links ./wheels\n", "--find-links ./wheels2\n"),
    ("pre-releases", "a\n", "--pre\na\n"),
    ("no index", "a\n", "--no-index\na\n"),
    ("order of binaries", "--no-binary :all:\n--no-binary :none:\n", "--no-binary :none:\n--no-binary :all:\n"),
    ("editable", "./a\n", "-e ./a\n"),
    ("local path", "./a\n", "./b\n"),
    ("setting", "a -C x=y\n", "a -C x=z\n"),
    ("require hashes", "a\n", "--require-hashes\na\n"),
    ("one more", "a\n", "a\nb\n"),
    ("included URL", "-r https://h/a.txt\n", "-r https://h/b.txt\n"),
]


@pytest.mark.parametrize(("one", "other"), [case[1:] for case in OTHER], ids=[case[0] for case in OTHER])
def test_meaning__other(one: str, other: str) -> None:
    assert meaning(one) != meaning(other)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Flask[Async]>=1.0,<2 ; python_version<'3.12'", 'flask[async]<2,>=1.0 ; python_version < "3.12"'),
        (
            "https://h/Foo_Bar-1.0-py3-none-any.whl#sha256=ab",
            "foo-bar @ https://h/Foo_Bar-1.0-py3-none-any.whl#sha256=ab",
        ),
        ("https://h/foo.zip ; os_name=='nt'", 'https://h/foo.zip ; os_name == "nt"'),
        (
            "git+ssh://git@h/o/r.git@v1#egg=My.Name[x]&subdirectory=d",
            "my-name[x] @ git+ssh://git@h/o/r.git@v1#subdirectory=d",
        ),
        ("-e .[dev,test]", "-e .[dev,test]"),
        ("--editable=./libs/core", "-e ./libs/core"),
        ("libs/core", "./libs/core"),
        ("../core", "../core"),
        ("wheels/foo-1.0-py3-none-any.whl", "foo @ ./wheels/foo-1.0-py3-none-any.whl"),
        ("foo-1.0.tar.gz", "./foo-1.0.tar.gz"),
        ("file:///srv/foo-1.0-py3-none-any.whl", "foo @ file:///srv/foo-1.0-py3-none-any.whl"),
        ("foo===1.0-anything", "foo===1.0-anything"),
        ("pip@https://h/pip.zip#sha1=da", "pip @ https://h/pip.zip#sha1=da"),
        ("name @ https://h/a#b", "name @ https://h/a#b"),
    ],
)
def test_parse__one_line(line: str, shown: str) -> None:
    assert str(read_line(line)) == shown


def test_parse__place_is_the_first_line_of_a_continued_one() -> None:
    file = read_text("# a\n\nflask \\\n  ==1.0 \\\n\ndjango\n")
    assert [(one.name, str(one.source)) for one in file.requirements] == [
        ("flask", "requirements.txt:3"),
        ("django", "requirements.txt:6"),
    ]


def test_parse__comment_ends_a_continuation() -> None:
    file = read_text("flask \\\n# note\ndjango\n")
    assert [one.name for one in file.requirements] == ["flask", "django"]


def test_parse__continuation_at_the_end() -> None:
    assert [one.name for one in read_text("flask \\").requirements] == ["flask"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_parse__byte_order_marks(encoding: str) -> None:
    assert [one.name for one in read_text("flask # é\n".encode(encoding)).requirements] == ["flask"]


def test_parse__declared_encoding() -> None:
    assert [one.name for one in read_text("# coding: latin-1\nflask # é\n".encode("latin-1")).requirements] == ["flask"]


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        ("flask\nflask=>1\n", 2, "semicolon (after name with no version specifier) or end"),
        ("flask==1 django==2\n", 1, "comma (within version specifier)"),
        ("flask ; python_version\n", 1, "marker operator"),
        ("flask==1/0\n", 1, "comma"),
        ("flask\n--no-such-option\n", 2, "an option that pip takes"),
        ("--index-url\n", 1, "an option that pip takes"),
        ("-i https://user:pa/ss@host/\n", 1, "a URL or a folder"),
        ("a @ https://[::1\n", 1, "a URL"),
        ("flask --hash=sha256\n", 1, "--hash=sha256: and hexadecimal digits"),
        ("flask -r other.txt\n", 1, "on a line of its own"),
        ("flask -e ./a\n", 1, "one requirement on a line"),
        ("-C 'a\nflask\n", 1, "a closing quotation mark"),
        ("flask\0\n", 1, "without control characters"),
        ("https://h/foo.whl\n", 1, "a wheel's file name"),
        ("a" * 20_000, 1, "at most"),
        ("a==" + "9" * 5000, 1, "a requirement such as"),
        ("a;" + "(" * 5000 + "os_name=='a'" + ")" * 5000, 1, "a requirement such as"),
        (b"flask # \xe9\n", 0, "text in utf-8"),
        (b"# coding: klingon\nflask\n", 0, "an encoding that Python knows"),
        (b"# coding: zlib\nflask\n", 0, "an encoding that Python knows"),
        (b"# coding: punycode\nflask\n", 0, "an encoding that Python knows"),
        (codecs.BOM_UTF16_LE + b"f", 0, "text in utf-16-le"),
        ("\n" * 500_000, 0, "at most 400000 lines"),
        ("a\n" * 30_000, 20_001, "at most 20000 requirements"),
    ],
)
def test_parse__problem(content: str | bytes, line: int, expected: str) -> None:
    file = read_text(content)
    assert file.problem
    assert file.problem.file == "requirements.txt"
    assert file.problem.line == line
    assert expected in file.problem.expected
    assert file.requirements == ()


def test_problem__counts_by_its_bytes() -> None:
    assert read({"r.txt": "flask=>1\n"}).meaning() != read({"r.txt": "flask=>1 \n"}).meaning()


SECRETS = [
    "-i https://user:hunter2@host/simple",
    "-i https://hunter2@host/simple",
    "--extra-index-url=https://host/hunter2hunter2hunter2/simple",
    "--find-links https://u:hunter2@host/",
    "a @ https://u:hunter2@host/a.zip",
    "git+https://hunter2@host/a.git#egg=a",
    "a @ https://host/a.zip?token=hunter2",
    "a -C proxy=https://u:hunter2@host",
    "-r https://u:hunter2@host/r.txt",
    "-i https://u:hunter2/@host",
    "-i https://u:hunter2@@@host:x/",
    "nonsense https://u:hunter2@host/",
    "flask= https://u:hunter2@host/" + "x" * 10_000,
]


@pytest.mark.parametrize("line", SECRETS)
def test_parse__no_credentials_in_what_is_kept(line: str) -> None:
    assert "hunter2" not in str(read({"r.txt": line}).to_json())
