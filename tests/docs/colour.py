"""Code as HTML: a few colours, and names of the library as links to what they are."""
import html
import re

KEYWORDS = {
    "c": "auto break case char const continue default do double else enum extern float for goto if inline int long "
         "register return short signed sizeof static struct switch typedef union unsigned void volatile while "
         "int32_t uint32_t int64_t uint64_t int16_t uint16_t uint8_t size_t NULL",
    "python": "and as async await break class continue def del elif else except False finally for from global if "
              "import in is lambda None nonlocal not or pass raise return True try while with yield",
    "cpp": "auto bool break case catch char class co_await co_return co_yield const constexpr continue default do "
           "double else enum explicit false for if inline int long namespace new noexcept nullptr operator private "
           "public return sizeof static struct switch template this throw true try typename using void while",
    "rust": "as async await break const continue crate else enum false fn for if impl in let loop match mod move mut "
            "pub ref return self static struct trait true type unsafe use where while",
    "go": "break case chan const continue default defer else fallthrough for func go goto if import interface map "
          "package range return select struct switch type var nil true false",
    "javascript": "async await break case catch class const continue default else export false finally for function "
                  "if import in let new null of return switch this throw true try typeof var while yield",
    "sh": "case do done elif else esac export fi for if in then while", "text": "",
}
ALIASES = {"c++": "cpp", "py": "python", "js": "javascript", "bash": "sh", "console": "sh", "": "text"}
HASHES = ("python", "sh", "ruby")
TOKEN = {
    "slashes": r"/\*.*?\*/|//[^\n]*", "hashes": r"#[^\n]*", "text": r"(?!)",
}


def highlight(code, language, link):
    """link: name -> address or None"""
    language = ALIASES.get(language, language)
    comment = TOKEN["hashes" if language in HASHES else "text" if language in ("text", "json") else "slashes"]
    keywords = set(KEYWORDS.get(language, "").split())
    token = re.compile(rf'(?P<comment>{comment})|(?P<string>"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\')'
                       r"|(?P<directive>^[ ]*\#\w+)|(?P<number>\b\d[\w.]*)|(?P<word>[A-Za-z_]\w*)", re.S | re.M)
    out, place = [], 0
    for match in token.finditer(code):
        out.append(html.escape(code[place:match.start()], quote=False))
        place = match.end()
        kind, text = match.lastgroup, html.escape(match.group(), quote=False)
        address = link(match.group()) if kind == "word" else None
        if address:
            text = f'<a href="{address}">{text}</a>'
        elif kind == "word":
            text = f'<b>{text}</b>' if match.group() in keywords else text
        elif kind == "comment":
            text = f"<i>{text}</i>"
        else:
            text = f'<span class="{kind[0]}">{text}</span>'
        out.append(text)
    return "".join(out) + html.escape(code[place:], quote=False)


def block(code, language, link, label=""):
    head = f'<figcaption>{html.escape(label)}</figcaption>' if label else ""
    return (f'<figure class="code">{head}<pre tabindex="0"><code>'
            f'{highlight(code.rstrip() + chr(10), language, link)}</code></pre></figure>')
