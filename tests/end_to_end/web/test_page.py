"""Two people, each with the page of their own node in a real browser."""

from __future__ import annotations

import http.server
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.end_to_end

FORGE = """async ({ url, type, mode }) => {
    const params = { chat: "ben", text: "forged" };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "message.send", params });
    const headers = { "Content-Type": type };
    try {
        return (await fetch(url, { method: "POST", mode, credentials: "include", headers, body })).type;
    } catch { return "failed"; }
}"""
LISTEN = """url => new Promise(done => {
    const source = new EventSource(url, { withCredentials: true });
    source.onerror = () => done("failed");
    source.onopen = () => done("open");
})"""
FRAME = """url => {
    const frame = document.createElement("iframe");
    frame.src = url;
    document.body.append(frame);
}"""
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture(scope="module")
def opened(new_person: Any, new_tab: Any) -> tuple[Any, Any]:
    """The pages of Ann and Ben, who do not know each other yet."""
    people = new_person("ann"), new_person("ben")
    for person in people:
        person.launch()
    for person in people:
        person.start()
    ann, ben = (new_tab(person) for person in people)
    ann.log_in()
    ben.log_in()
    return ann, ben


@pytest.fixture
def tabs(opened: tuple[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """The same, with nothing alarming in them since the last test, and their nodes running."""
    for tab in opened:
        tab.person.start()
        tab.page.reload()
        tab.page.wait_for_selector(".app")
    yield opened
    for tab in opened:
        assert tab.alarms == []


def test_two_people_meet_by_link_and_chat_both_ways(tabs: tuple[Any, Any]) -> None:
    ann, ben = tabs
    ann.person.until(
        "an address", lambda: ann.person.json("invite", "--no-qr")["reachable"]
    )  # the page would show a link without one
    ann.go("people")
    ann.page.get_by_role("button", name="My link").click()
    expect(ann.page.get_by_role("img", name="The link as a QR code")).to_be_visible()
    link = ann.page.locator(".link-text").inner_text()
    ann.page.get_by_role("button", name="Close").click()

    ben.go("people")
    ben.page.get_by_role("button", name="Add a contact").click()
    ben.page.get_by_role("textbox", name="Link").fill(link)
    ben.page.get_by_role("textbox", name="Greeting").fill(f"it is Ben {MARKUP}")
    ben.page.get_by_role("button", name="Ask", exact=True).click()

    expect(ann.page.get_by_text(f"it is Ben {MARKUP}")).to_be_visible()
    ann.page.get_by_role("button", name="Accept").click()
    ann.open_chat("ben")
    ben.open_chat("ann")
    ann.write("hello Ben")
    ben.reads("hello Ben")
    ben.write("hello Ann")
    ann.reads("hello Ann")
    expect(ben.message("hello Ann").locator(".state")).to_contain_text(re.compile("delivered|read"))

    numbers = []
    for tab in tabs:
        tab.page.locator(".head-who").click()
        numbers.append(tab.safety_number())
    assert numbers[0] == numbers[1]
    ann.page.get_by_role("button", name="It is the same").click()
    expect(ann.page.get_by_text("You compared it")).to_be_visible()


def test_a_message_is_answered_changed_and_deleted(tabs: tuple[Any, Any]) -> None:
    ann, ben = tabs
    ann.open_chat("ben")
    ben.open_chat("ann")
    ann.write("shall we mett?")
    ben.reads("shall we mett?")
    ann.page.keyboard.press("ArrowUp")
    ann.write("shall we meet?")
    ben.reads("shall we meet?")
    expect(ben.message("shall we meet?")).to_contain_text("edited")

    ben.message("shall we meet?").hover()
    ben.message("shall we meet?").get_by_role("button", name="Reply").click()
    ben.write("at noon")
    expect(ann.message("at noon").locator(".quote")).to_contain_text("shall we meet?")
    ann.message("at noon").hover()
    ann.message("at noon").get_by_role("button", name="React").click()
    ann.page.get_by_role("menuitem", name="👍").click()
    expect(ben.message("at noon").locator(".reaction")).to_contain_text("👍")
    ben.page.locator(".write").focus()
    for key in ("Shift+Tab", "ArrowUp", "p"):  # the newest message, and a pin to it
        ben.page.keyboard.press(key)
    expect(ann.page.locator(".pinned")).to_contain_text("at noon")

    ann.write("not for you")
    ben.reads("not for you")
    ann.message("not for you").focus()
    ann.page.keyboard.press("Delete")
    ann.page.get_by_role("button", name="Delete", exact=True).click()
    expect(ben.message("not for you")).to_have_count(0)


def test_an_iou_is_signed_accepted_and_paid_back(tabs: tuple[Any, Any]) -> None:
    ann, ben = tabs
    ann.open_chat("ben")
    ben.open_chat("ann")
    ben.page.get_by_role("button", name="Money", exact=True).click()
    ben.page.get_by_role("menuitem", name="I owe ann").click()
    ben.page.get_by_role("textbox", name="Amount").fill("12,50")
    ben.page.get_by_role("textbox", name="What for").fill("pizza")
    ben.page.get_by_role("button", name="Sign").click()
    expect(ann.page.locator(".decision")).to_contain_text("ben owes you 12.50 EUR")
    ann.page.get_by_role("button", name="Accept").click()
    for tab in tabs:
        expect(tab.page.locator(".slip", has_text="pizza")).to_contain_text("signed by both")

    ben.go("money", "ann")
    ben.page.get_by_role("button", name="I paid back").click()
    ben.page.get_by_role("button", name="Ask for the receipt").click()
    expect(ann.page.locator(".decision")).to_contain_text("asks for a receipt")
    ann.page.get_by_role("button", name="Sign").click()
    expect(ben.page.get_by_text("Even")).to_be_visible()
    assert ann.person.balances() == {("ben", "EUR"): 0} or ann.person.balances() == {}


def test_a_group_is_founded_joined_and_splits_a_bill(tabs: tuple[Any, Any]) -> None:
    ann, ben = tabs
    ann.page.get_by_role("button", name="New group").click()
    ann.page.get_by_role("textbox", name="Name").fill("trip")
    ann.page.get_by_text("ben", exact=True).last.click()
    ann.page.get_by_role("button", name="Found it").click()
    ben.go("chats")
    ben.page.locator(".asking", has_text="trip").click()
    ben.page.get_by_role("button", name="Join").click()
    ben.page.wait_for_selector(".composer")
    expect(ann.page.locator(".head-sub")).to_have_text("2 members")
    ben.write("I am in")
    ann.reads("I am in")
    ann.page.get_by_role("button", name="Money", exact=True).click()
    ann.page.get_by_role("menuitem", name="Split a bill").click()
    ann.page.get_by_role("textbox", name="I paid").fill("30")
    ann.page.get_by_role("button", name="Ask them").click()
    ben.open_chat("ann")
    expect(ben.page.locator(".decision")).to_contain_text("15.00 EUR")


def test_a_bill_is_split_by_its_lines_entered_anew_and_given_up(tabs: tuple[Any, Any]) -> None:
    ann, ben = tabs
    ann.go("bills")
    ann.page.get_by_role("button", name="Split a bill").click()
    ann.page.get_by_role("menuitem", name="trip").click()
    ann.page.get_by_role("textbox", name="I paid").fill("45")
    ann.page.get_by_role("textbox", name="What for").fill("market")
    ann.page.get_by_label("Divide it").select_option("itemised")
    ann.page.get_by_label("Amount of this line").fill("30,00")
    ann.page.get_by_role("button", name="Ask them").click()
    expect(ann.page.get_by_role("alert")).to_contain_text("Who had the 30.00?")
    ann.page.get_by_role("button", name="ben", exact=True).click()
    ann.page.get_by_role("button", name="Add a line").click()
    ann.page.get_by_label("Amount of this line").last.fill("10")
    ann.page.get_by_role("button", name="You", exact=True).last.click()
    ann.page.get_by_role("button", name="Ask them").click()
    card = ann.page.locator(".card", has_text="market")
    expect(card).to_contain_text("33.75 EUR")  # 30 of 40, and as much of the tip
    ben.open_chat("ann")
    expect(ben.page.locator(".slip", has_text="market")).to_contain_text("33.75 EUR")

    card.get_by_role("button", name="More about market").click()
    ann.page.get_by_role("menuitem", name="Enter it anew").click()
    ann.page.get_by_label("Divide it").select_option("equal")
    ann.page.get_by_role("button", name="Enter it", exact=True).click()
    expect(ben.page.locator(".slip", has_text="22.50 EUR")).to_be_visible()
    expect(ben.page.locator(".slip.over", has_text="33.75 EUR")).to_be_visible()
    card.get_by_role("button", name="More about market").click()
    ann.page.get_by_role("menuitem", name="Let nothing be owed").click()
    ann.page.get_by_role("button", name="Give it up").click()
    expect(ben.page.locator(".slip.over", has_text="22.50 EUR")).to_be_visible()


def test_a_message_waits_for_its_time_and_is_called_back(tabs: tuple[Any, Any]) -> None:
    ann, _ben = tabs
    ann.open_chat("ben")
    ann.page.locator(".write").fill("a happy new year")
    ann.page.get_by_role("button", name="Send it later").click()
    ann.page.get_by_label("When").fill("2030-12-31T23:59")
    ann.page.get_by_role("button", name="Send", exact=True).last.click()
    expect(ann.page.locator(".write")).to_have_value("")
    assert [one["text"] for one in ann.person.json("msg", "scheduled")["scheduled"]] == ["a happy new year"]
    ann.go("later")
    expect(ann.page.locator(".entry")).to_contain_text("a happy new year")
    ann.page.get_by_role("button", name="Do not send it").click()
    expect(ann.page.locator(".entry")).to_have_count(0)


def test_what_comes_again_circles_and_mailboxes_have_their_places(tabs: tuple[Any, Any]) -> None:
    ann, _ben = tabs
    ann.go("again")
    ann.page.get_by_role("button", name="Let something come again").click()
    ann.page.get_by_role("menuitem", name="ben").click()
    ann.page.get_by_role("textbox", name="Amount").fill("400")
    ann.page.get_by_role("textbox", name="What for").fill("rent")
    ann.page.get_by_label("From").fill("2030-01-01")
    ann.page.get_by_role("button", name="Let it come").click()
    expect(ann.page.locator(".entry", has_text="rent")).to_contain_text("every month")
    ann.page.get_by_role("button", name="Stop rent").click()
    expect(ann.page.locator(".entry", has_text="rent")).to_have_count(0)
    ann.go("circles")
    part = ann.page.get_by_role("switch", name="Take part in what friends begin")
    expect(part).to_have_attribute("aria-checked", "false")
    part.click()
    expect(part).to_have_attribute("aria-checked", "true")
    ann.go("mailboxes")
    expect(ann.page.get_by_text("None yet")).to_be_visible()


def test_what_is_read_elsewhere_is_read_on_the_page(tabs: tuple[Any, Any]) -> None:
    ann, ben = tabs
    ben.go("people")
    ann.open_chat("ben")
    ann.write("for the terminal")
    ben.go("chats")
    expect(ben.page.locator(".list .row .count")).to_be_visible()
    assert "for the terminal" in ben.person("read", "ann").out
    expect(ben.page.locator(".list .row .count")).to_have_count(0)


def test_an_image_is_shown_and_a_file_is_saved(tabs: tuple[Any, Any], tmp_path: Path) -> None:
    ann, ben = tabs
    Image.new("RGB", (320, 200), "teal").save(tmp_path / "the view.png")
    (tmp_path / "evil.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg'>{MARKUP}</svg>")
    files = ["--file", str(tmp_path / "the view.png"), "--file", str(tmp_path / "evil.svg")]
    ann.person.json("send", "ben", "look at this", *files)
    ben.open_chat("ann")
    shown = ben.message("look at this")
    image = shown.locator(".file img")
    expect(image).to_be_visible()
    ben.page.wait_for_function("image => image.naturalWidth === 320", arg=image.element_handle())
    with ben.page.expect_download() as saved:
        shown.locator(".file", has_text="evil.svg").get_by_text("Save").click()
    assert saved.value.suggested_filename == "evil.svg"
    assert Path(saved.value.path()).read_bytes() == (tmp_path / "evil.svg").read_bytes()
    if folder := os.environ.get("SCREENSHOTS"):
        ben.page.screenshot(path=f"{folder}/files.png")


def test_the_page_lives_through_a_reload_and_a_restart_of_its_node(tabs: tuple[Any, Any]) -> None:
    ann, ben = tabs
    ann.open_chat("ben")
    ben.person.kill()
    expect(ben.page.locator(".banner")).to_be_visible()
    ann.write("while you were away")
    expect(ann.message("while you were away").locator(".state")).to_contain_text("queued")
    ben.person.start()
    expect(ben.page.locator(".banner")).to_be_hidden()
    ben.open_chat("ann")
    ben.reads("while you were away")
    expect(ann.message("while you were away").locator(".state")).to_contain_text("read")
    ben.page.reload()
    ben.reads("while you were away")
    expect(ben.message("while you were away")).to_have_count(1)


def test_a_login_link_opens_one_browser_once(tabs: tuple[Any, Any], new_tab: Any) -> None:
    ann = tabs[0].person
    link = ann.json("web", "--no-open")["link"]
    first, second = new_tab(ann), new_tab(ann)
    first.page.goto(link)
    first.page.wait_for_selector(".app")
    assert "login" not in first.page.url
    second.page.goto(link)
    expect(second.page.locator(".welcome")).to_contain_text("was used")
    assert not second.context.cookies()


@pytest.fixture
def evil() -> Iterator[str]:
    """The origin of a page from elsewhere, served on this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>evil</title>")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://evil.example:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_from_elsewhere_reaches_nothing(tabs: tuple[Any, Any], evil: str) -> None:
    """Also not in a browser that holds a session, and not after DNS rebinding."""
    ann, _ = tabs
    origin = ann.page.evaluate("location.origin")
    page = ann.context.new_page()
    page.goto(evil)
    rpc = f"{origin}/api/v1/rpc"
    assert page.evaluate(FORGE, {"url": rpc, "type": "text/plain", "mode": "no-cors"}) in ("opaque", "failed")
    assert page.evaluate(FORGE, {"url": rpc, "type": "application/json", "mode": "cors"}) == "failed"
    assert page.evaluate(LISTEN, f"{origin}/api/v1/events") == "failed"
    port = origin.rpartition(":")[2]
    rebound = page.goto(f"http://evil.example:{port}/")
    assert rebound is not None
    assert rebound.status == 421
    page.goto(evil)
    page.evaluate(FRAME, origin)
    page.wait_for_timeout(300)
    assert not any(frame.url.startswith(origin) and frame.query_selector("link") for frame in page.frames)
    assert "forged" not in ann.person.texts("ben")


def test_markup_in_every_field_is_shown_as_text(tabs: tuple[Any, Any]) -> None:
    ann, ben = tabs
    name = "<b onclick=alert(3)>x</b>"
    ann.person.json("contact", "rename", "ben", name)
    group = ann.person.json("group", "create", MARKUP[:30])["group"]
    said = [MARKUP, "javascript:alert(4)", 'http://x/"onmouseover="alert(5)', "'\"><svg/onload=alert(6)>"]
    for text in said:
        ben.person.json("send", "ann", text)
    ben.person.json("pay", "ann", "1", "EUR", MARKUP)
    ann.open_chat(name)
    for text in said:
        ann.reads(text)
    expect(ann.page.locator(".slip", has_text=MARKUP)).to_be_visible()
    expect(ann.page.locator(".decision", has_text=MARKUP)).to_be_visible()
    expect(ann.page.locator(".head-name")).to_have_text(name)
    ann.page.locator(".head-who").click()
    expect(ann.page.locator(".details h2", has_text=name)).to_be_visible()
    ann.page.get_by_role("searchbox").fill("onerror")
    ann.page.keyboard.press("Enter")
    expect(ann.page.locator(".results .row", has_text=MARKUP).first).to_be_visible()
    markup = "() => { try { document.body.innerHTML = '<b>x</b>' } catch (error) { return error.name } }"
    assert ann.page.evaluate(markup) == "TypeError"  # not even by a mistake of the page
    ann.alarms.clear()  # of which the browser tells
    for place in (
        ("people",),
        ("money", "all"),
        ("chat", group),
        ("search", MARKUP),
        ("chat", MARKUP),
        ("x", MARKUP),
    ):
        ann.go(*(part.replace("/", "%2F") for part in place))
        ann.page.wait_for_timeout(100)
        assert (
            ann.page.locator("img[src=x], svg[onload], [onerror], [onclick], script:not([src])").count() == 0
        )
        assert ann.page.locator("a[href^='javascript:']").count() == 0


def test_many_tabs_of_one_browser_follow_one_stream(tabs: tuple[Any, Any]) -> None:
    """A browser opens six connections to one name; the tab that follows for all may be closed."""
    ann, ben = tabs
    (contact,) = ann.person.json("contact", "list")["contacts"]
    ann.person.json("contact", "rename", contact["person"], "ben")
    pages = [ann.context.new_page() for _ in range(7)]
    about = ann.page.evaluate("location.origin")
    for page in pages:
        page.goto(about)
        page.wait_for_selector(".app")
        page.locator(".list .row-name", has_text="ben").click()
        page.wait_for_selector(".composer")
    ben.open_chat("ann")
    ben.write("to all seven")
    for page in pages:
        expect(page.locator(".message .text", has_text="to all seven")).to_have_count(1)
    ann.page.close()  # it was the first
    ann.page = pages.pop()
    ben.write("and to the six")
    for page in [ann.page, *pages]:
        expect(page.locator(".message .text", has_text="and to the six")).to_have_count(1)
    for page in pages:
        page.close()
