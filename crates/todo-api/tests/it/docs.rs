//! The page at `/docs`, as far as it can be seen without a browser.

use crate::support::{Service, embedded, header};

#[tokio::test]
async fn the_page_needs_nothing_but_itself_and_the_document_beside_it() {
    let service = embedded().await;
    let page = service.get("/docs").await;
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    assert_eq!(header(&page, "referrer-policy"), "no-referrer");
    let policy = header(&page, "content-security-policy").to_owned();
    for rule in ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    for forbidden in ["http://", "https://", "src=\"", "@import", "innerHTML"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("new URL(\"openapi.json\", BASE)"));
}

#[tokio::test]
async fn docs_off_answers_neither_the_page_nor_the_document() {
    let service = Service::start(&["--docs", "off"]).await;
    for path in ["/docs", "/openapi.json"] {
        assert_eq!(service.get(path).await.status(), 404, "{path}");
    }
    assert_eq!(service.get("/livez").await.status(), 200);
}
