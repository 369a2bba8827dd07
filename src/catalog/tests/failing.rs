use super::*;

/// What a GET gives.
enum Reads {
    Whole,
    Halved,
    Failed(Error),
}

/// Memory whose GETs or PUTs of some keys fail.
struct Failing {
    inner: Arc<MemoryStore>,
    get: Reads,
    put_prefix: &'static str,
    put: Option<Error>,
}

impl Store for Failing {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }
    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        match &self.put {
            Some(error) if request.key.starts_with(self.put_prefix) => Box::pin(async { Err(error.clone()) }),
            _ => self.inner.put(request),
        }
    }
    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }
    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        match &self.get {
            Reads::Failed(error) => Box::pin(async { Err(error.clone()) }),
            Reads::Whole => self.inner.get(key),
            Reads::Halved => Box::pin(async move {
                let mut object = self.inner.get(key).await?;
                object.body.truncate(object.body.len() / 2);
                Ok(object)
            }),
        }
    }
    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        self.inner.head(key)
    }
    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        self.inner.copy(request)
    }
    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        self.inner.delete(key, if_match)
    }
    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        self.inner.delete_many(keys)
    }
    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        self.inner.list(request)
    }
    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        self.inner.capabilities()
    }
}

#[test]
fn spec01_12_2_a_file_that_cannot_be_read_is_never_overwritten() {
    let store = memory();
    let content = metadata(json!({ "users": resource(json!({})) })).to_string();
    write(store.as_ref(), content.clone());
    for error in [
        Error::new(Kind::Network, "reset"),
        Error::new(Kind::Permission, "denied").with_status(403),
    ] {
        let failing = Arc::new(Failing {
            inner: store.clone(),
            get: Reads::Failed(error.clone()),
            put_prefix: "",
            put: None,
        });
        let catalog = Catalog::new(failing, "13.6.1");
        assert_eq!(now(catalog.load()).expect_err("rejects").kind(), error.kind());
        let local = metadata(json!({ "other": resource(json!({})) }));
        assert_eq!(now(catalog.save_whole(local, &[])).expect_err("rejects").kind(), error.kind());
        assert_eq!(text(store.as_ref()), content);
        assert_eq!(store.stats().object_count, 1, "no backup of what was not read");
    }
}

#[test]
fn spec01_12_2_a_failed_backup_stops_the_replacement() {
    let store = memory();
    write(store.as_ref(), "broken");
    let failing = Arc::new(Failing {
        inner: store.clone(),
        get: Reads::Whole,
        put_prefix: "s3db.json.corrupted",
        put: Some(Error::new(Kind::Permission, "denied")),
    });
    let catalog = Catalog::new(failing, "13.6.1");
    assert_eq!(now(catalog.load()).expect_err("rejects").kind(), Kind::Permission);
    assert_eq!(
        now(catalog.save_whole(metadata(json!({})), &[])).expect_err("rejects").kind(),
        Kind::Permission
    );
    assert_eq!(text(store.as_ref()), "broken");
}

#[test]
fn spec01_4_a_failing_rewrite_rejects() {
    let store = memory();
    write(store.as_ref(), "{}");
    let failing = Arc::new(Failing {
        inner: store.clone(),
        get: Reads::Whole,
        put_prefix: "s3db.json",
        put: Some(Error::new(Kind::Network, "reset")),
    });
    assert_eq!(
        now(Catalog::new(failing, "13.6.1").load()).expect_err("rejects").kind(),
        Kind::Network
    );
    assert_eq!(text(store.as_ref()), "{}");
}

#[test]
fn spec01_12_39_connecting_costs_one_get() {
    let backend = memory();
    write(backend.as_ref(), metadata(json!({})).to_string());
    let stacked = stack(backend, "", &StackOptions::default()).expect("stack");
    let catalog = Catalog::new(stacked.store, "13.6.1");
    now(catalog.load()).expect("loads");
    assert_eq!(stacked.meter.total(), 1);
    now(catalog.save_whole(metadata(json!({ "a": resource(json!({})) })), &[])).expect("saves");
    assert_eq!(stacked.meter.total(), 2, "a save that nobody races costs one PUT");
}

#[test]
fn spec01_12_2_a_text_that_was_cut_short_on_its_way_is_no_damaged_file() {
    let store = memory();
    now(catalog(&store).save_whole(
        metadata(json!({ "a": resource(json!({ "x": "string" })), "b": resource(json!({})) })),
        &[],
    ))
    .expect("saves");
    let before = text(store.as_ref());
    let short = Failing {
        inner: store.clone(),
        get: Reads::Halved,
        put_prefix: "",
        put: None,
    };
    let short = Catalog::new(Arc::new(short), "13.6.1");
    for error in [
        now(short.load()).expect_err("refused"),
        now(short.save(metadata(json!({ "c": resource(json!({})) })), true, &[])).expect_err("refused"),
    ] {
        assert_eq!(error.code(), Some("ERR_TRUNCATED"), "{error:?}");
    }
    assert_eq!(text(store.as_ref()), before);
    assert_eq!(
        now(store.list(ListRequest::default())).expect("lists").entries.len(),
        1,
        "no backup"
    );
}
