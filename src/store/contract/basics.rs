//! Reads, writes, copies and deletes.

use super::*;
use crate::ambient::now_ms;
use crate::error::Kind;

pub(super) async fn missing_keys_have_their_codes(c: Case) -> Outcome {
    let key = c.key("nothing");
    let Err(get) = c.store.get(&key).await else {
        return Err(Broken("GET of a missing key succeeds".into()));
    };
    same!(
        (get.kind(), get.code(), get.status()),
        (Kind::NoSuchKey, Some("NoSuchKey"), Some(404)),
        "GET"
    );
    same!(
        get.fields().get("key").and_then(|k| k.as_str()),
        Some(key.as_str()),
        "key of the error"
    );
    let Err(head) = c.store.head(&key).await else {
        return Err(Broken("HEAD of a missing key succeeds".into()));
    };
    same!(
        (head.kind(), head.code(), head.status()),
        (Kind::NoSuchKey, Some("NotFound"), Some(404)),
        "HEAD"
    );
    Ok(())
}

pub(super) async fn put_get_head_agree(c: Case) -> Outcome {
    let before = now_ms();
    let mut request = c.request("k", "body");
    request.metadata = vec![("one".into(), "1".into())];
    request.content_type = Some("application/json".into());
    request.content_encoding = Some("identity-test".into());
    let outcome = c.store.put(request).await?;
    let object = c.store.get(&c.key("k")).await?;
    let head = c.store.head(&c.key("k")).await?;
    same!(object.body, Bytes::from_static(b"body"), "body");
    same!(object.meta, head, "GET and HEAD");
    same!(head.size, 4, "size");
    same!(head.content_type.as_deref(), Some("application/json"), "content type");
    same!(head.content_encoding.as_deref(), Some("identity-test"), "content encoding");
    ensure!(head.etag.is_some(), "there is an ETag");
    ensure!(!head.etag.iter().any(|e| e.contains('"')), "the ETag has no quotes");
    same!(outcome.etag, head.etag, "ETag of the write");
    // A minute of clock difference is tolerated.
    ensure!(
        (before - 61_000..=now_ms() + 60_000).contains(&head.last_modified),
        "last modified {} is not about now",
        head.last_modified
    );
    if let Some(time) = outcome.last_modified {
        same!(time % 1000, 0, "time of the write in whole seconds");
    }
    c.put("plain", "x").await?;
    let plain = c.store.head(&c.key("plain")).await?;
    ensure!(
        plain.content_type.as_deref().is_none_or(|t| t.ends_with("/octet-stream")),
        "default content type is {:?}",
        plain.content_type
    );
    Ok(())
}

pub(super) async fn put_many_is_many_puts(c: Case) -> Outcome {
    c.put("many-1", "an older body").await?;
    let metadata = |n: usize| vec![("one".to_owned(), n.to_string()), ("two".to_owned(), "2".to_owned())];
    let puts = (0..3)
        .map(|n| PlainPut {
            key: c.key(&format!("many-{n}")),
            metadata: PackedMetadata::pack(&metadata(n)),
        })
        .collect();
    let outcomes = c.store.put_many(puts).await?;
    same!(outcomes.len(), 3, "outcomes");
    for (n, outcome) in outcomes.into_iter().enumerate() {
        let object = c.store.get(&c.key(&format!("many-{n}"))).await?;
        let mut found = object.meta.metadata;
        found.sort();
        same!(found, metadata(n), "metadata");
        same!(object.meta.size, 0, "size");
        same!(object.body, Bytes::new(), "body");
        same!(outcome?.etag, object.meta.etag, "ETag of the write");
    }
    Ok(())
}

pub(super) async fn overwrite_replaces_everything(c: Case) -> Outcome {
    let mut request = c.request("k", "first");
    request.metadata = vec![("old".into(), "1".into())];
    request.content_type = Some("text/plain".into());
    let first = c.store.put(request).await?;
    let mut request = c.request("k", "second body");
    request.metadata = vec![("new".into(), "2".into())];
    let second = c.store.put(request).await?;
    ensure!(first.etag != second.etag, "the ETag changes with the body");
    let object = c.store.get(&c.key("k")).await?;
    same!(object.body, Bytes::from_static(b"second body"), "body");
    same!(object.meta.metadata, vec![("new".to_owned(), "2".to_owned())], "metadata");
    ensure!(
        object.meta.content_type.as_deref() != Some("text/plain"),
        "the content type is replaced"
    );
    Ok(())
}

pub(super) async fn metadata_comes_back_verbatim(c: Case) -> Outcome {
    let metadata: Metadata = [
        ("zeta", "first"),
        ("alpha", "with  inner spaces"),
        ("mid-dle_1", "%41%2B+=;,/?:@&#"),
        ("0", "quotes \" ' and \\ backslash"),
        ("Upper", "Case Kept"),
        ("json", "{\"a\":[1,2],\"b\":null}"),
        ("b64", "b:w6k="),
        ("long", &"v".repeat(700)),
    ]
    .iter()
    .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
    .collect();
    let mut request = c.request("k", "");
    request.metadata = metadata.clone();
    c.store.put(request).await?;
    let mut stored = c.store.head(&c.key("k")).await?.metadata;
    let mut planned = metadata;
    if c.expect.metadata_lowercased {
        planned.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        planned.sort();
        stored.sort();
    }
    same!(stored, planned, "metadata");
    Ok(())
}

pub(super) async fn odd_keys_are_kept_apart(c: Case) -> Outcome {
    let mut names: Vec<String> = [
        "a b",
        "a%20b",
        "a+b",
        "a%2Bb",
        "%41",
        "A",
        "a",
        "q?x=1",
        "h#f",
        "e=v",
        "é",
        "e\u{301}",
        "日本語/キー",
        "😀",
        "~!*'()",
        "a&b",
        "a:b",
        "@$,;",
        "id=x|y",
        "back\\slash",
        "...",
        "a.",
        ".hidden",
        "quote\"s",
        "<tag>",
        "[x]{y}",
        "con",
        "%",
        "%%",
        "dir/",
    ]
    .iter()
    .map(|name| (*name).to_owned())
    .collect();
    names.push("x".repeat(400));
    names.push(format!("{}/y", "é".repeat(150)));
    names.push(format!("{}z", "x".repeat(400)));
    for name in &names {
        c.put(name, format!("body of {name}"))
            .await
            .map_err(|e| Broken(format!("PUT {name:?}: {e}")))?;
    }
    for name in &names {
        let object = c.store.get(&c.key(name)).await.map_err(|e| Broken(format!("GET {name:?}: {e}")))?;
        same!(object.body, Bytes::from(format!("body of {name}")), format!("body of {name:?}"));
    }
    let (keys, _, _) = c.all(c.listing("")).await?;
    names.sort();
    same!(keys, names, "listed keys");
    for name in &names {
        let copied = format!("{name}-copy");
        let request = CopyRequest {
            from: c.key(name),
            to: c.key(&copied),
            ..CopyRequest::default()
        };
        c.store.copy(request).await.map_err(|e| Broken(format!("COPY {name:?}: {e}")))?;
        let object = c.store.get(&c.key(&copied)).await?;
        same!(object.body, Bytes::from(format!("body of {name}")), format!("copy of {name:?}"));
    }
    Ok(())
}

pub(super) async fn keys_that_are_prefixes_of_keys_coexist(c: Case) -> Outcome {
    for name in ["t", "t/u", "t/u/v", "t/"] {
        c.put(name, name.to_owned()).await?;
    }
    c.store.delete(&c.key("t/u"), None).await?;
    let (keys, _, _) = c.all(c.listing("")).await?;
    same!(keys, ["t", "t/", "t/u/v"], "keys");
    same!(c.store.get(&c.key("t")).await?.body, Bytes::from_static(b"t"), "body of t");
    Ok(())
}

pub(super) async fn empty_and_large_bodies(c: Case) -> Outcome {
    let mut request = c.request("empty", "");
    request.metadata = vec![("n".into(), "1".into())];
    c.store.put(request).await?;
    let empty = c.store.get(&c.key("empty")).await?;
    same!((empty.meta.size, empty.body.len()), (0, 0), "empty body");
    let large: Bytes = (0..5 * 1024 * 1024u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect::<Vec<u8>>()
        .into();
    c.put("large", large.clone()).await?;
    let stored = c.store.get(&c.key("large")).await?;
    same!(stored.meta.size, large.len() as u64, "size of the large body");
    ensure!(stored.body == large, "the large body comes back unchanged");
    Ok(())
}

async fn source(c: &Case) -> Result<(), Broken> {
    let mut request = c.request("from", "content");
    request.metadata = vec![("kept".into(), "yes".into())];
    request.content_type = Some("text/plain".into());
    c.store.put(request).await?;
    Ok(())
}

fn copy(c: &Case, from: &str, to: &str) -> CopyRequest {
    CopyRequest {
        from: c.key(from),
        to: c.key(to),
        ..CopyRequest::default()
    }
}

pub(super) async fn copy_keeps_metadata_without_replacement(c: Case) -> Outcome {
    source(&c).await?;
    c.store.copy(copy(&c, "from", "to")).await?;
    let (from, to) = (c.store.get(&c.key("from")).await?, c.store.get(&c.key("to")).await?);
    same!(to.body, from.body, "body");
    same!(to.meta.metadata, from.meta.metadata, "metadata");
    same!(to.meta.content_type, from.meta.content_type, "content type");
    Ok(())
}

pub(super) async fn copy_replaces_metadata(c: Case) -> Outcome {
    source(&c).await?;
    for to in ["from", "to"] {
        let mut request = copy(&c, "from", to);
        request.metadata = Some(vec![("fresh".into(), to.into())]);
        request.content_type = Some("application/json".into());
        let outcome = c.store.copy(request).await?;
        let object = c.store.get(&c.key(to)).await?;
        same!(object.body, Bytes::from_static(b"content"), "body");
        same!(object.meta.metadata, vec![("fresh".to_owned(), to.to_owned())], "metadata");
        same!(object.meta.content_type.as_deref(), Some("application/json"), "content type");
        same!(outcome.etag, object.meta.etag, "ETag of the copy");
    }
    Ok(())
}

pub(super) async fn copy_of_a_missing_source_fails(c: Case) -> Outcome {
    let Err(error) = c.store.copy(copy(&c, "nothing", "to")).await else {
        return Err(Broken("COPY of a missing source succeeds".into()));
    };
    same!(error.kind(), Kind::NoSuchKey, "kind");
    let to = c.key("to");
    same!(
        error.fields().get("key").and_then(|k| k.as_str()),
        Some(to.as_str()),
        "key of the error"
    );
    Ok(())
}

pub(super) async fn copy_honours_source_if_match(c: Case) -> Outcome {
    source(&c).await?;
    let mut request = copy(&c, "from", "to");
    request.source_if_match = Some(c.etag("from").await?);
    c.store.copy(request.clone()).await?;
    c.put("from", "changed").await?;
    let Err(error) = c.store.copy(request).await else {
        return Err(Broken("COPY with an outdated source ETag succeeds".into()));
    };
    ensure!(error.is_precondition(), "outdated source: {error}");
    same!(c.store.get(&c.key("to")).await?.body, Bytes::from_static(b"content"), "target");
    Ok(())
}

pub(super) async fn delete_removes_and_forgives(c: Case) -> Outcome {
    c.put("k", "x").await?;
    c.store.delete(&c.key("k"), None).await?;
    ensure!(
        c.store.head(&c.key("k")).await.is_err_and(|e| e.is_not_found()),
        "the object is gone"
    );
    c.store.delete(&c.key("k"), None).await?;
    Ok(())
}

pub(super) async fn delete_many_of_2500_keys(c: Case) -> Outcome {
    let names: Vec<String> = (0..2500).map(|i| format!("k{i:04}")).collect();
    // Only some exist; missing ones count as deleted.
    for name in names.iter().step_by(50) {
        c.put(name, "x").await?;
    }
    c.put("stays", "x").await?;
    let keys: Vec<String> = names.iter().map(|name| c.key(name)).collect();
    let outcome = c.store.delete_many(keys.clone()).await?;
    ensure!(outcome.errors.is_empty(), "errors: {:?}", outcome.errors);
    let mut deleted = outcome.deleted;
    deleted.sort();
    same!(deleted.len(), 2500, "number of deleted keys");
    ensure!(deleted == keys, "the deleted keys are the requested ones");
    same!(c.all(c.listing("")).await?.0, ["stays"], "what is left");
    same!(
        c.store.delete_many(Vec::new()).await?,
        DeleteOutcome::default(),
        "nothing to delete"
    );
    Ok(())
}
