"""What is typed to leave a field: markup, quotes, shells, lines, paths, directions."""

VALUES = (
    "<script>window.bad = 1</script>",
    "\"'><img src=//evil.test/x onerror=alert(1)><!--",
    "$(id)`id`${IFS}",
    ";|&&touch /tmp/bad>x #",
    "../../../etc/passwd%00%0d%0a",
    "a\r\nX-Bad: 1\r\n\r\nb",
    "abc\u202egpj.exe",
    "--script=/bin/sh",
    "{{7*7}}{% x %}%s%n\\n\\",
    "x" * 1000 + "</textarea></select>",
)
