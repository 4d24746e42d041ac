//! The report in a real browser: Debian's Chromium, without a window. SKIPPED where it is not installed.

use std::path::Path;
use std::process::Command;

/// What the page says about itself once it is laid out.
const PROBE: &str = "<script>
    const all = selector => [...document.querySelectorAll(selector)];
    const shown = all('body *').filter(e => !e.closest('.wide'));
    const scale = svg => svg.getBoundingClientRect().width / svg.width.baseVal.value;
    const facts = {
        width: innerWidth,
        right: Math.ceil(Math.max(...shown.map(e => e.getBoundingClientRect().right))),
        scroll: document.documentElement.scrollWidth,
        figures: all('figure svg title').length,
        smallest: Math.min(
            ...all('svg text').map(e => parseFloat(getComputedStyle(e).fontSize) * scale(e.closest('svg'))),
            ...all('p, li, dd, td, th, figcaption').map(e => parseFloat(getComputedStyle(e).fontSize))),
        paper: getComputedStyle(document.body).backgroundColor,
    };
    parent.document.body.append(`FACTS ${JSON.stringify(facts)} END`);
</script></body>";

/// A window is never as narrow as a telephone, but a frame in it is.
fn framed(html: &str, width: u32) -> String {
    let page = html.replace("</body>", PROBE).replace('&', "&amp;").replace('"', "&quot;");
    format!(
        "<!DOCTYPE html><meta charset=utf-8><iframe style=\"width:{width}px;height:900px;border:0\" srcdoc=\"{page}\"></iframe>"
    )
}

/// Lays the page out and returns its facts, and what the browser has logged of it.
fn look(chromium: &str, page: &Path, profile: &Path, dark: bool) -> (serde_json::Value, String) {
    let mut command = Command::new(chromium);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--log-level=0", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("--window-size=1300,900");
    if dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    }
    let output = command.arg(format!("file://{}", page.display())).output().expect("it runs");
    let dom = String::from_utf8_lossy(&output.stdout);
    let facts = dom.rsplit_once("FACTS ").and_then(|(_, rest)| Some(rest.split_once(" END")?.0));
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let facts = facts.unwrap_or_else(|| panic!("no facts: {log}"));
    (serde_json::from_str(facts).expect("facts are JSON"), log)
}

#[test]
fn the_report_is_whole_on_wide_and_narrow_screens_light_and_dark() {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    let Some(chromium) = found else {
        println!("SKIPPED: no Chromium on the path (Debian's package is `chromium`)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["resume", "--quick", "--samples", "5", "--sample-time", "1"])
        .args(["--strategies", "nested,stackful,state-machine", "--html"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = dir.path().join("index.html");
    let html = std::fs::read_to_string(&page).unwrap();

    let mut papers = Vec::new();
    for (width, dark) in [(390, false), (1200, false), (390, true), (1200, true)] {
        let profile = dir.path().join(format!("profile-{width}-{dark}"));
        std::fs::write(&page, framed(&html, width)).unwrap();
        let (facts, log) = look(chromium, &page, &profile, dark);
        let number =
            |name: &str| facts[name].as_f64().unwrap_or_else(|| panic!("{name} in {facts}"));
        assert!(!log.contains("CONSOLE"), "{log}");
        assert_eq!(number("figures"), 2.0, "{facts}");
        // Nothing but what scrolls by itself is wider than the screen.
        assert!(
            number("right") <= number("width") && number("scroll") <= number("width"),
            "{facts}"
        );
        assert_eq!(number("width"), f64::from(width), "{facts}");
        assert!(number("smallest") >= 12.0, "{facts}");
        papers.push(facts["paper"].clone());
    }
    assert_eq!(papers[0], papers[1]);
    assert_eq!(papers[2], papers[3]);
    assert_ne!(papers[0], papers[2], "dark and light are the same");
}
