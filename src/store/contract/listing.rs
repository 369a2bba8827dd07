//! Listings.

use super::*;
use crate::error::Kind;

async fn fill(c: &Case, names: &[&str]) -> Outcome {
    for name in names {
        c.put(name, (*name).to_owned()).await?;
    }
    Ok(())
}

pub(super) async fn keys_come_in_byte_order(c: Case) -> Outcome {
    // '-' and '.' sort before '/', digits after; U+FF5E before U+1F600 in UTF-8 though not in UTF-16.
    let mut names = [
        "a",
        "a-",
        "a-b/c",
        "a.b",
        "a/",
        "a/b",
        "a/b/c",
        "a/b-c",
        "a0",
        "aa",
        "B",
        "b",
        "é",
        "\u{ff5e}",
        "\u{1f600}",
        "Z/z",
        "_",
        "~",
    ];
    fill(&c, &names).await?;
    names.sort_unstable_by(|x, y| x.as_bytes().cmp(y.as_bytes()));
    for max_keys in [0, 1, 2, 3, 7] {
        let mut request = c.listing("");
        request.max_keys = max_keys;
        same!(c.all(request).await?.0, names, format!("keys in pages of {max_keys}"));
    }
    Ok(())
}

pub(super) async fn prefix_narrows(c: Case) -> Outcome {
    fill(&c, &["a/x", "a/xy", "a/xy/z", "a/y", "ab", "r=é/1", "r=e/1"]).await?;
    for (prefix, expected) in [
        ("a/x", vec!["a/x", "a/xy", "a/xy/z"]),
        ("a/xy/", vec!["a/xy/z"]),
        ("a/", vec!["a/x", "a/xy", "a/xy/z", "a/y"]),
        ("a", vec!["a/x", "a/xy", "a/xy/z", "a/y", "ab"]),
        ("r=é", vec!["r=é/1"]),
        ("none", vec![]),
        ("a/x/", vec![]),
    ] {
        same!(c.all(c.listing(prefix)).await?.0, expected, format!("prefix {prefix:?}"));
    }
    Ok(())
}

pub(super) async fn pages_join_without_gaps(c: Case) -> Outcome {
    let names: Vec<String> = (0..25).map(|i| format!("k{i:02}")).collect();
    fill(&c, &names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let mut request = c.listing("k");
    request.max_keys = 10;
    let (keys, _, pages) = c.all(request.clone()).await?;
    same!(keys, names, "keys");
    same!(pages, 3, "pages");
    let first = c.store.list(request.clone()).await?;
    same!(first.entries.len(), 10, "size of the first page");
    request.max_keys = 25;
    let exact = c.store.list(request).await?;
    same!(
        (exact.entries.len(), exact.next_token.is_none()),
        (25, true),
        "a page that fits exactly has no token"
    );
    Ok(())
}

pub(super) async fn start_after_is_exclusive(c: Case) -> Outcome {
    fill(&c, &["a", "a/b", "b", "c", "d"]).await?;
    for (after, expected) in [
        ("b", vec!["c", "d"]),
        ("aa", vec!["b", "c", "d"]),
        ("a", vec!["a/b", "b", "c", "d"]),
        ("d", vec![]),
    ] {
        let mut request = c.listing("");
        request.start_after = Some(c.key(after));
        request.max_keys = 2;
        same!(c.all(request).await?.0, expected, format!("after {after:?}"));
    }
    Ok(())
}

pub(super) async fn delimiter_groups(c: Case) -> Outcome {
    fill(&c, &["r=a/1", "r=a/2", "r=b/x/1", "top", "r=c"]).await?;
    let mut request = c.listing("");
    request.delimiter = Some("/".into());
    let (keys, groups, _) = c.all(request.clone()).await?;
    same!(keys, ["r=c", "top"], "keys");
    same!(groups, ["r=a/", "r=b/"], "groups");
    request.prefix = c.key("r=b/");
    let (keys, groups, _) = c.all(request).await?;
    same!((keys.len(), groups), (0, vec!["r=b/x/".to_owned()]), "groups under r=b/");
    Ok(())
}

pub(super) async fn groups_are_paged_once(c: Case) -> Outcome {
    let mut names = Vec::new();
    for group in 0..7 {
        for item in 0..3 {
            names.push(format!("g{group}/{item}"));
        }
        names.push(format!("g{group}x"));
    }
    fill(&c, &names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    for max_keys in [1, 2, 3, 5] {
        let mut request = c.listing("g");
        request.delimiter = Some("/".into());
        request.max_keys = max_keys;
        let (keys, groups, _) = c.all(request).await?;
        let (mut wanted_keys, mut wanted_groups) = (Vec::new(), Vec::new());
        for group in 0..7 {
            wanted_groups.push(format!("g{group}/"));
            wanted_keys.push(format!("g{group}x"));
        }
        same!(groups, wanted_groups, format!("groups in pages of {max_keys}"));
        same!(keys, wanted_keys, format!("keys in pages of {max_keys}"));
    }
    Ok(())
}

pub(super) async fn more_than_a_thousand_keys(c: Case) -> Outcome {
    let names: Vec<String> = (0..1050).map(|i| format!("{i:04}")).collect();
    for chunk in names.chunks(25) {
        futures::future::try_join_all(chunk.iter().map(|name| c.put(name, ""))).await?;
    }
    let first = c.store.list(c.listing("")).await?;
    same!((first.entries.len(), first.next_token.is_some()), (1000, true), "first page");
    let (keys, _, pages) = c.all(c.listing("")).await?;
    same!(pages, 2, "pages");
    ensure!(keys == names, "every key is listed once");
    let mut request = c.listing("");
    request.max_keys = 5000;
    same!(c.store.list(request).await?.entries.len(), 1000, "max_keys above 1000");
    Ok(())
}

pub(super) async fn tokens_survive_deletion_of_their_key(c: Case) -> Outcome {
    fill(&c, &["a", "b", "c", "d", "e"]).await?;
    let mut request = c.listing("");
    request.max_keys = 2;
    let page = c.store.list(request.clone()).await?;
    c.store.delete(&c.key("b"), None).await?;
    c.store.delete(&c.key("c"), None).await?;
    request.token = page.next_token;
    let page = c.store.list(request).await?;
    let keys: Vec<&str> = page.entries.iter().filter_map(|entry| entry.key.strip_prefix(&c.root)).collect();
    same!(keys, ["d", "e"], "second page");
    Ok(())
}

pub(super) async fn invalid_tokens_are_refused(c: Case) -> Outcome {
    let mut request = c.listing("");
    request.token = Some("not a token \u{1}".into());
    let Err(error) = c.store.list(request).await else {
        return Err(Broken("a made-up token is accepted".into()));
    };
    ensure!(
        error.kind() == Kind::Validation || error.status().is_some_and(|s| (400..500).contains(&s)),
        "made-up token: {error}"
    );
    Ok(())
}

pub(super) async fn entries_describe_objects(c: Case) -> Outcome {
    fill(&c, &["one", "three"]).await?;
    let page = c.store.list(c.listing("")).await?;
    for entry in page.entries {
        let head = c.store.head(&entry.key).await?;
        same!(entry.size, head.size, "size");
        same!(entry.etag, head.etag, "ETag");
        ensure!((entry.last_modified - head.last_modified).abs() < 1000, "time of {}", entry.key);
    }
    Ok(())
}
