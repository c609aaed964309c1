//! The same bytes mean the same, in whatever pieces they come.

use super::*;

/// Passes the text in pieces of this size, as a connection does; what came through, and the completed requests.
fn through(text: &str, piece: usize) -> (String, usize, Phase) {
    let (mut framing, mut held, mut passed, mut completed) = (Framing::new(), Vec::new(), Vec::new(), 0);
    for part in text.as_bytes().chunks(piece) {
        held.extend_from_slice(part);
        let progress = framing.advance(&mut held);
        completed += usize::from(progress.completed);
        passed.extend(held.drain(..progress.passed));
    }
    passed.extend(held);
    (String::from_utf8(passed).expect("text stays text"), completed, framing.phase())
}

#[test]
fn offers_are_taken_out_of_heads_and_out_of_nothing_else() {
    for (sent, expected) in [
        (
            "GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection:        ,               \r\nUpgrade:    \r\nHTTP2-Settings: AAA\r\n\r\n",
        ),
        (
            "GET / HTTP/1.1\r\nconnection: keep-alive,UPGRADE\r\n\r\n",
            "GET / HTTP/1.1\r\nconnection: keep-alive,       \r\n\r\n",
        ),
        (
            "POST / HTTP/1.1\r\ncontent-length: 23\r\n\r\n\r\nconnection: upgrade\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 23\r\n\r\n\r\nconnection: upgrade\r\n",
        ),
        (
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n15;x=1\r\nconnection: upgrade\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n15;x=1\r\nconnection: upgrade\r\n\r\n0\r\n\r\n",
        ),
        ("CONNECT a:1 HTTP/1.1\r\nconnection: upgrade\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nconnection: upgrade\r\n\r\n"),
    ] {
        for piece in 1..sent.len() + 1 {
            assert_eq!(through(sent, piece).0, expected, "in pieces of {piece}");
        }
    }
    let long =
        |offer: &str| format!("GET / HTTP/1.1\r\nConnection: {},{offer}\r\n\r\n", format!("{offer},x,").repeat(2_000));
    for piece in [1, 2, 13, 500, 1_000, 1_024, 8_192, 100_000] {
        assert_eq!(through(&long("UpgradE"), piece).0, long("       "), "in pieces of {piece}");
    }
}

#[test]
fn the_end_of_each_request_is_found() {
    for (sent, requests, phase) in [
        ("GET / HTTP/1.1\r\n\r\n", 1, Phase::Between),
        ("\r\nGET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", 2, Phase::Between),
        ("GET / HTTP/1.1\nhost: a\n\n", 1, Phase::Between),
        ("GET / HTTP/1.1\r\nhos", 0, Phase::Head),
        ("GET / HTTP/1.1\r\n \n", 0, Phase::Head),
        ("GET / HTTP/1.1\r\n\r\r\n", 0, Phase::Head),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", 0, Phase::Body),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET", 1, Phase::Head),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: 1\r\n\r\n", 1, Phase::Between),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", 0, Phase::Body),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 0, Phase::Unknown),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 0, Phase::Unknown),
        ("POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", 0, Phase::Unknown),
    ] {
        let (_, completed, ends) = through(sent, 1);
        assert_eq!((completed, ends), (requests, phase), "{sent:?}");
        assert_eq!(through(sent, sent.len()).2, phase, "{sent:?} at once");
    }
}

#[test]
fn what_is_too_long_is_spoilt_in_whatever_pieces_it_comes_and_what_just_fits_is_not() {
    let head = |fields: &str| format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n");
    let field = |name: &str, line: usize| format!("{name}: {}", "x".repeat(line - name.len() - ": \r\n".len()));
    let fields = |size: usize| {
        let long = field("x", 50_000);
        let size = size - head("").len() - 2 * (long.len() + 2);
        head(&format!("{long}\r\n{long}\r\n{}", field("x", size + 2)))
    };
    for (what, sent, spoilt) in [
        ("a line", head(&field("x", 65_535)), false),
        ("a line", head(&field("x", 65_536)), true),
        ("a line", head(&field("x", 70_000)), true),
        ("a name", head(&format!("{}: 1", "x".repeat(70_000))), true),
        ("a name behind CONNECT", head(&format!("{}: 1", "x".repeat(70_000))).replace("GET", "CONNECT"), true),
        ("a first line", head("a: b").replace(" / ", &format!(" /{} ", "x".repeat(70_000))), true),
        ("a first line", head("a: b").replace("GET /", &format!("CONNECT {}", "x".repeat(70_000))), true),
        ("a head", fields(128 * 1024), false),
        ("a head", fields(128 * 1024 + 1), true),
        ("a head behind another", format!("{}{}", fields(128 * 1024), fields(128 * 1024)), false),
        ("a head with empty lines before it", format!("\r\n{}", fields(128 * 1024)), true),
        ("Connection", head(&field("Connection", 1_000)), false),
        ("Connection", head(&field("Connection", 1_001)), true),
        ("Connection", head(&format!("Connection: {}", "close, ".repeat(5_000))), false),
        ("Connection", head(&format!("Connection: {}{}", "a,".repeat(2_000), "x".repeat(998))), false),
        ("Connection", head(&format!("Connection: {}{}", "a,".repeat(2_000), "x".repeat(999))), true),
        ("Connection", head(&format!("Connection: a,{},b{}", "x".repeat(1_000), "c".repeat(3_000))), true),
        ("Connection", head(&format!("Connection: {}", "a,".repeat(40_000))), true),
        ("Host", head(&field("host", 1_000)), false),
        ("Host", head(&field("host", 9_000)), true),
        (
            "a long name after Connection",
            head(&format!("{}\r\n{}", field("connection", 999), field("x", 70_000))),
            true,
        ),
    ] {
        for piece in [1, 2, 3, 999, 1_000, 1_001, 1_024, 8_192, 65_535, 65_536, 131_071, 131_072, sent.len()] {
            let (passed, _, _) = through(&sent, piece);
            assert_eq!(passed.contains('\0'), spoilt, "{what} of {} bytes in pieces of {piece}", sent.len());
            assert_eq!(passed.len(), sent.len());
            assert!(spoilt || passed == sent || what == "Connection", "{what} in pieces of {piece}");
        }
    }
}
