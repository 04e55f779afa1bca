//! Rows as JSON, as CSV, to Arrow; names of types. Against a real server: creche-test-servers.
mod common;

use common::block_on;
use common::pg::open;
use creche::{ArrowForm, CsvForm, JsonForm, Status, oid};

#[test]
fn rows_as_text() {
    let Some(db) = open() else { return };
    block_on(async {
        let rows = db.query("select 1 as a, 'x,y' as b, null as c, 1.50 as d", &[]).await.unwrap();
        let csv = rows.to_csv(CsvForm { header: true, delimiter: b';', ..Default::default() });
        assert_eq!(csv.unwrap(), "a;b;c;d\n1;x,y;;1.50\n");
        let json = rows.to_json(JsonForm { lines: true, exact: true, ..Default::default() });
        let expected = "{\"a\":1,\"b\":\"x,y\",\"c\":null,\"d\":\"1.50\"}\n";
        assert_eq!(json.unwrap(), expected);
        let refused = rows.to_csv(CsvForm { delimiter: b'"', ..Default::default() });
        assert_eq!(refused.unwrap_err().status(), Status::INVALID);
        let mut small = [0u8; 4];
        assert!(rows.write_json(JsonForm::default(), &mut small.as_mut_slice()).is_err());
    });
}

#[test]
fn rows_to_arrow() {
    let Some(db) = open() else { return };
    block_on(async {
        let rows = db.query("select 1.5::numeric(5,2), date 'infinity'", &[]).await.unwrap();
        let strict = ArrowForm { strict: true, ..Default::default() };
        assert_eq!(rows.to_arrow(strict).unwrap_err().status(), Status::LIMIT);
        let (mut schema, mut array) = rows.to_arrow(ArrowForm::default()).unwrap();
        assert_eq!((array.length, array.n_children), (1, 2));
        // SAFETY: both are ours, and released once.
        unsafe {
            array.release.unwrap()(&mut array);
            schema.release.unwrap()(&mut schema);
        }
        assert!(array.release.is_none() && schema.release.is_none());
    });
}

#[test]
fn types_have_names() {
    let Some(db) = open() else { return };
    block_on(async {
        let rows = db.query("select 1::int2, 'pg_class'::regclass", &[]).await.unwrap();
        assert_eq!(rows.type_name(oid::INT2), Some("int2"));
        assert_eq!(rows.type_name(rows.column_type(1)), Some("regclass"));
        assert_eq!(rows.type_name(4_000_000_000), None);
        assert_eq!(rows.one().unwrap().get::<&str>(1).unwrap(), "pg_class");
    });
}
