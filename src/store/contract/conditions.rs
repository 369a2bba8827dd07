//! Conditional writes and races between them.

use super::*;
use futures::future::join_all;

pub(super) async fn capabilities_are_as_declared(c: Case) -> Outcome {
    same!(c.store.capabilities().await?, c.expect.capabilities, "capabilities");
    same!(c.store.capabilities().await?, c.expect.capabilities, "capabilities, asked again");
    Ok(())
}

pub(super) async fn create_if_absent(c: Case) -> Outcome {
    if !c.expect.capabilities.put_if_absent {
        return Ok(());
    }
    c.put_if("k", "first", Condition::IfAbsent).await?;
    let Err(error) = c.put_if("k", "second", Condition::IfAbsent).await else {
        return Err(Broken("creating an existing object succeeds".into()));
    };
    ensure!(error.is_precondition(), "existing object: {error}");
    same!(error.status(), Some(412), "status");
    same!(c.store.get(&c.key("k")).await?.body, Bytes::from_static(b"first"), "body");
    c.store.delete(&c.key("k"), None).await?;
    c.put_if("k", "third", Condition::IfAbsent).await?;
    Ok(())
}

pub(super) async fn replace_if_match(c: Case) -> Outcome {
    if !c.expect.capabilities.put_if_match {
        return Ok(());
    }
    let missing = c
        .put_if("k", "0", Condition::IfMatch("0123456789abcdef0123456789abcdef".into()))
        .await;
    ensure!(
        missing.is_err_and(|e| e.is_precondition() || e.is_not_found()),
        "replacing a missing object fails"
    );
    c.put("k", "1").await?;
    let first = c.etag("k").await?;
    let outcome = c.put_if("k", "2", Condition::IfMatch(first.clone())).await?;
    same!(outcome.etag, Some(c.etag("k").await?), "new ETag");
    let Err(error) = c.put_if("k", "3", Condition::IfMatch(first)).await else {
        return Err(Broken("replacing with an outdated ETag succeeds".into()));
    };
    ensure!(error.is_precondition(), "outdated ETag: {error}");
    same!(c.store.get(&c.key("k")).await?.body, Bytes::from_static(b"2"), "body");
    let quoted = format!("\"{}\"", c.etag("k").await?);
    c.put_if("k", "4", Condition::IfMatch(quoted)).await?;
    Ok(())
}

pub(super) async fn delete_if_match(c: Case) -> Outcome {
    if !c.expect.capabilities.delete_if_match {
        return Ok(());
    }
    c.put("k", "1").await?;
    let first = c.etag("k").await?;
    c.put("k", "2").await?;
    let Err(error) = c.store.delete(&c.key("k"), Some(&first)).await else {
        return Err(Broken("deleting with an outdated ETag succeeds".into()));
    };
    ensure!(error.is_precondition(), "outdated ETag: {error}");
    same!(c.store.get(&c.key("k")).await?.body, Bytes::from_static(b"2"), "body");
    let current = c.etag("k").await?;
    c.store.delete(&c.key("k"), Some(&current)).await?;
    ensure!(
        c.store.head(&c.key("k")).await.is_err_and(|e| e.is_not_found()),
        "the object is gone"
    );
    Ok(())
}

pub(super) async fn one_of_16_creators_wins(c: Case) -> Outcome {
    if !c.expect.capabilities.put_if_absent {
        return Ok(());
    }
    for round in 0..30 {
        let name = format!("k{round}");
        let tasks = (0..16).map(|i| {
            let (c, name) = (c.clone(), name.clone());
            tokio::spawn(async move { c.put_if(&name, format!("by {i}"), Condition::IfAbsent).await })
        });
        let mut winners = Vec::new();
        for (i, result) in join_all(tasks).await.into_iter().enumerate() {
            match result.map_err(|e| Broken(e.to_string()))? {
                Ok(_) => winners.push(i),
                Err(error) => ensure!(error.is_precondition(), "loser {i} of round {round}: {error}"),
            }
        }
        same!(winners.len(), 1, format!("winners of round {round}"));
        let body = c.store.get(&c.key(&name)).await?.body;
        same!(body, Bytes::from(format!("by {}", winners[0])), "body of the winner");
    }
    Ok(())
}

pub(super) async fn no_update_is_lost(c: Case) -> Outcome {
    if !c.expect.capabilities.put_if_match {
        return Ok(());
    }
    c.put("n", format!("0 {}", random_text())).await?;
    let tasks = (0..8).map(|_| {
        let c = c.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                increment(&c).await?;
            }
            Ok::<(), Broken>(())
        })
    });
    for task in join_all(tasks).await {
        task.map_err(|e| Broken(e.to_string()))??;
    }
    same!(counter(&c).await?.0, 40, "counter after 40 increments");
    Ok(())
}

async fn counter(c: &Case) -> Result<(u32, String), Broken> {
    let object = c.store.get(&c.key("n")).await?;
    let text = String::from_utf8_lossy(&object.body).into_owned();
    let number = text.split(' ').next().and_then(|n| n.parse().ok());
    let etag = object.meta.etag;
    number.zip(etag).ok_or_else(|| Broken(format!("counter body is {text:?}")))
}

async fn increment(c: &Case) -> Outcome {
    loop {
        let (number, etag) = counter(c).await?;
        let body = format!("{} {}", number + 1, random_text());
        match c.put_if("n", body, Condition::IfMatch(etag)).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_precondition() => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}
