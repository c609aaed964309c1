//! Parts of the page that its other parts are made of.

use super::chart::Line;

/// A section with a title, and a legend beside it.
pub(crate) fn card(title: &str, legend: &str, content: &str) -> String {
    format!("<section class='card'>{legend}<h2>{title}</h2>{content}</section>")
}

/// The names of a chart's lines, beside their colours.
pub(crate) fn legend(lines: &[Line<'_>]) -> String {
    let entry = |line: &Line<'_>| format!("<i class='key bg {}'></i>{}", line.class, line.name);
    format!("<span class='legend'>{}</span>", lines.iter().map(entry).collect::<String>())
}

/// Text as HTML, also within an attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&quot;")
}
