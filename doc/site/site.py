"""Makes the pages that EDoc does not: README.md and doc/*.md, with a list of pages on each, also on EDoc's own. Then it checks all
links, and the quotes that EDoc turns into code. `site.py FOLDER`, from the root of the project."""

import html
import os
import re
import shutil
import sys
import urllib.parse
from html.parser import HTMLParser

import markdown
from pygments.formatters import HtmlFormatter

OTP = "https://www.erlang.org/doc/man/"
PAGES = [
    ("README.md", "index.html", "esock"),
    ("doc/recipes.md", "recipes.html", "Recipes"),
    ("doc/messages.md", "messages.html", "Messages"),
    ("doc/options.md", "options.html", "Options"),
    ("doc/io_uring.md", "io_uring.html", "Completions by io_uring"),
    ("doc/differences.md", "differences.html", "Differences from socket"),
    ("doc/parity.md", "parity.html", "Features of other systems"),
    ("doc/figures.md", "figures.html", "Figures"),
    ("ARCHITECTURE.md", "architecture.html", "Architecture"),
    ("CONTRIBUTING.md", "contributing.html", "Contributing"),
    ("CHANGELOG.md", "changelog.html", "Changes"),
]
MODULES = [("esock.html", "Module esock"), ("esock_app.html", "Application environment")]
HTML_OF = {source: target for source, target, _ in PAGES}


def slug(text, separator="-"):
    """As GitHub makes anchors, so that a link works in both places."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", separator)


def link(source, target):
    """Where a link of a Markdown page goes in the HTML pages: a page, or a file that is copied beside them."""
    address, _, anchor = target.partition("#")
    if not address or re.match(r"[a-z]+:", address):
        return target
    path = os.path.normpath(os.path.join(os.path.dirname(source), urllib.parse.unquote(address)))
    if path in HTML_OF:
        return HTML_OF[path] + ("#" + anchor if anchor else "")
    if path.endswith(".svg"):
        return "plots/" + os.path.basename(path)
    return "files/" + path if os.path.isfile(path) else "files/" + path + "/index.html" if os.path.isdir(path) else target


def converted(source):
    """The body of a page, and its headings of the second level."""
    with open(source, encoding="utf-8") as file:
        text = file.read()
    # Markdown hides a bar in a cell of a table by a backslash; Python-Markdown shows it in code.
    text = re.sub(r"(?m)^\|.*$", lambda row: re.sub(r"`[^`]*`", lambda code: code[0].replace("\\|", "&#124;"), row[0]), text)
    converter = markdown.Markdown(
        extensions=["tables", "fenced_code", "codehilite", "toc", "sane_lists"],
        extension_configs={"codehilite": {"guess_lang": False}, "toc": {"slugify": slug, "permalink": "#", "permalink_class": "self"}})
    body = converter.convert(text).replace("&amp;#124;", "|")
    body = re.sub(r'((?:href|src)=")([^"]+)"', lambda m: m[1] + html.escape(link(source, html.unescape(m[2]))) + '"', body)
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    top = converter.toc_tokens
    sections = top[0]["children"] if len(top) == 1 else top
    return body, [(token["id"], token["name"]) for token in sections if token["level"] == 2]


def page(target, title, body, sections=()):
    def entry(address, name):
        here = address == target
        inner = "".join(f'<li><a href="#{anchor}">{text}</a></li>' for anchor, text in sections) if here else ""
        style = ' class="here"' if here else ""
        return f'<li><a href="{address}"{style}>{html.escape(name)}</a>{"<ul>" + inner + "</ul>" if inner else ""}</li>'
    api = "".join(entry(address, name) for address, name in MODULES)
    pages = "".join(entry(address, name) for _, address, name in PAGES[1:])
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><link rel="stylesheet" href="style.css"></head>
<body><nav><b><a href="index.html">esock</a></b><ul>{api}</ul><ul>{pages}</ul></nav>
<main>
{body}
</main></body></html>
"""


def api(text, names):
    """The body of a page of EDoc's, with links that work, and code like `doc/options.md' or `socket' as links to it."""
    body = re.search(r"(?s)<body[^>]*>(.*)</body>", text)[1]
    body = re.sub(r'(?s)<div class="navbar">.*?</div>\s*(<hr>)?', "", body)
    body = re.sub(r'(?s)<ul class="index">.*?</ul>.*?(?=<h2>)', "", body, count=1)
    body = re.sub(r"(?s)<hr>\s*(?=(?:<p><i>Generated|$)).*", "", body)
    body = re.sub(r'href="http://www.erlang.org/edoc/doc/\w+/doc/', 'href="' + OTP, body)
    body = re.sub(r'href="(?!http)(?!esock)([a-z_]+)(?:\.html)?(?=["#])', 'href="' + OTP + r'\1.html', body)
    # EDoc names anchors; a browser finds them by id too.
    body = re.sub(r'<a name="', '<a id="', body)
    # Modules that have no page here are names.
    body = re.sub(r'(?s)<a [^>]*href="(esock\w*\.html)"[^>]*>(.*?)</a>', lambda m: m[0] if m[1] in dict(MODULES) else m[2], body)
    for source, target in names.items():
        body = re.sub(r"(<code>)?(?<![\w/>])" + re.escape(source) + r"(?![\w])(</code>)?", f'<a href="{target}">{source}</a>', body)
    return body


def with_links(body, anchors):
    """Code that names a function of the API is a link to it."""
    def one(found):
        anchor = f"{found[1]}-{found[2]}"
        return f'<a href="esock.html#{anchor}">{found[0]}</a>' if anchor in anchors else found[0]
    return re.sub(r"<code>esock:(\w+)/(\d)</code>", one, body)


class Reader(HTMLParser):
    """Anchors, links, and text that shows a quote of EDoc's which was not understood."""

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.code, self.quotes, self.open = set(), [], None, [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.update(attributes[name] for name in ("id", "name") if attributes.get(name))
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]
        if tag in ("pre", "code", "tt"):
            self.open.append((tag, []))

    def handle_endtag(self, tag):
        if tag in ("pre", "code", "tt") and self.open:
            kind, parts = self.open.pop()
            text = "".join(parts)
            if kind == "code" and not self.open and text.count("{") != text.count("}"):
                self.quotes.append(text)

    def handle_data(self, data):
        if self.open:
            for _, parts in self.open:
                parts.append(data)
        elif re.search(r"`|''|\{@", data):
            self.quotes.append(data.strip())


def checked(out):
    pages = {}
    for name in sorted(os.listdir(out)):
        if name.endswith(".html"):
            pages[name] = Reader()
            with open(os.path.join(out, name), encoding="utf-8") as file:
                pages[name].feed(file.read())
    wrong = []
    for name, reader in pages.items():
        for target in reader.links:
            address, _, anchor = target.partition("#")
            if re.match(r"(https?|mailto):", address):
                continue
            file = urllib.parse.unquote(address) or name
            if not os.path.exists(os.path.join(out, file)):
                wrong.append(f"{name}: no file {target}")
            elif anchor and file in pages and urllib.parse.unquote(anchor) not in pages[file].ids:
                wrong.append(f"{name}: no anchor {target}")
    # The texts are EDoc's to understand: a page that shows them is not wrong enough to be none.
    quotes = [f"{name}: a quote was not understood: {text}" for name, reader in pages.items() for text in reader.quotes]
    return wrong, quotes, sum(len(reader.links) for reader in pages.values()), len(pages)


def copied(out, bodies):
    """The files that pages link: plots, programs, folders as lists."""
    for body in bodies:
        for target in re.findall(r'(?:href|src)="((?:plots|files)/[^"#]+)"', body):
            path = os.path.join(out, target)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if target.startswith("plots/"):
                shutil.copy(os.path.join("doc/bench", os.path.basename(target)), path)
            elif target.endswith("/index.html") and os.path.isdir(target[len("files/"):-len("/index.html")]):
                folder = target[len("files/"):-len("/index.html")]
                files = [os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names
                         if not re.search(r"(^|/)(_build|deps)(/|$)", at)]
                for name in files:
                    os.makedirs(os.path.dirname(os.path.join(os.path.dirname(path), name)), exist_ok=True)
                    shutil.copy(os.path.join(folder, name), os.path.join(os.path.dirname(path), name))
                with open(path, "w", encoding="utf-8") as file:
                    file.write("<ul>" + "".join(f'<li><a href="{name}">{name}</a></li>' for name in sorted(files)) + "</ul>\n")
            else:
                shutil.copy(target[len("files/"):], path)


def main(out):
    modules = {}
    for target, title in MODULES:
        with open(os.path.join(out, target), encoding="utf-8") as file:
            modules[target] = (title, api(file.read(), HTML_OF))
    for name in ("index.html", "overview-summary.html", "modules-frame.html", "erlang.png", "stylesheet.css", "edoc-info"):
        if os.path.exists(os.path.join(out, name)):
            os.remove(os.path.join(out, name))
    anchors = set(re.findall(r'<a id="([^"]+)"', modules["esock.html"][1]))
    bodies = []
    for source, target, title in PAGES:
        body, sections = converted(source)
        bodies.append(with_links(body, anchors))
        with open(os.path.join(out, target), "w", encoding="utf-8") as file:
            file.write(page(target, title if target == "index.html" else title + " - esock", bodies[-1], sections))
    for target, (title, body) in modules.items():
        sections = [("types", "Data types"), ("index", "Function index"), ("functions", "Functions")]
        with open(os.path.join(out, target), "w", encoding="utf-8") as file:
            file.write(page(target, title, body, [(a, t) for a, t in sections if f'id="{a}"' in body]))
    copied(out, bodies)
    with open("doc/site/style.css", encoding="utf-8") as style, open(os.path.join(out, "style.css"), "w", encoding="utf-8") as file:
        file.write(style.read() + HtmlFormatter(style="default").get_style_defs(".codehilite"))
    wrong, quotes, links, pages = checked(out)
    print("\n".join(quotes + wrong), end="\n" if quotes or wrong else "")
    print(f"docs: {pages} pages in {out}, {links} links, {len(wrong)} broken, {len(quotes)} quotes not understood")
    sys.exit(1 if wrong or quotes else 0)


main(sys.argv[1])
