//! The page at `/docs`.

use std::sync::LazyLock;

use crate::page::Page;

/// The page, put together once. One script: later parts use what earlier ones define.
pub static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let script = concat!(
        include_str!("../page/elements.js"),
        include_str!("document.js"),
        include_str!("form.js"),
        include_str!("page.js")
    );
    Page::new(include_str!("page.html"), include_str!("style.css"), script)
});
