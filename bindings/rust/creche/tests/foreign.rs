//! Errors of others on their way through groups and transactions, and out again.
mod common;

use common::block_on;
use common::pg::{count, open, table};
use creche::{Error, Foreign, GroupOptions, Status, TransactionOptions};
use std::fmt;
use std::num::ParseIntError;

/// A user's own type, which says nothing of creche.
#[derive(Debug, PartialEq)]
struct NoPage(u32);

impl fmt::Display for NoPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no page {}", self.0)
    }
}

impl std::error::Error for NoPage {}

/// And one that does.
#[derive(Debug)]
enum Mine {
    Low(i32),
    Creche(Error),
}

impl fmt::Display for Mine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mine::Low(by) => write!(f, "{by} too low"),
            Mine::Creche(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Mine {}

impl From<Mine> for Error {
    fn from(mine: Mine) -> Error {
        match mine {
            Mine::Creche(error) => error,
            mine => Error::new(mine),
        }
    }
}

impl From<Error> for Mine {
    fn from(error: Error) -> Mine {
        Mine::Creche(error)
    }
}

fn look(page: u32) -> Result<(), NoPage> {
    Err(NoPage(page))
}

fn check(n: i32) -> Result<i32, Mine> {
    if n < 3 { Err(Mine::Low(3 - n)) } else { Ok(n) }
}

#[test]
fn through_a_group_of_groups() {
    let failed = block_on(creche::group(GroupOptions::new(), async |g| {
        g.spawn(async |_| {
            creche::group(GroupOptions::new(), async |inner| {
                inner.spawn(async |_| {
                    look(7).foreign()?;
                    Ok(())
                });
                Ok(())
            })
            .await
            .map(|_| ())
        });
        Ok(())
    }))
    .unwrap_err();
    assert_eq!(failed.status(), Status::GROUP);
    assert_eq!(failed.find::<NoPage>().unwrap().downcast_ref(), Some(&NoPage(7)));
    assert_eq!(failed.find::<NoPage>().unwrap().status(), Status::USER);
    assert!(failed.find::<ParseIntError>().is_none());
    assert_eq!(failed.leaves()[0].to_string(), "there is no page 7");
}

#[test]
fn those_of_rust_need_nothing() {
    let failed = block_on(creche::group(GroupOptions::new(), async |g| {
        g.spawn(async |_| {
            let _: i32 = "many".parse()?;
            Ok(())
        });
        Ok(())
    }))
    .unwrap_err();
    assert!(failed.find::<ParseIntError>().is_some());
}

#[test]
fn ours_stay_what_they_are() {
    let ours: Result<(), Error> = Err(Error::message_only("mine"));
    let error = ours.foreign().unwrap_err();
    assert_eq!((error.status(), error.to_string().as_str()), (Status::USER, "mine"));
    assert!(std::error::Error::source(&error).is_none());
}

#[test]
fn through_a_transaction_which_rolls_back() {
    let Some(db) = open() else { return };
    let moved: Result<i32, Mine> = block_on(async {
        table(&db, "foreign_errors").await?;
        let n = db
            .transaction(TransactionOptions::new(), async |tx| {
                tx.execute("insert into foreign_errors values (1, 1)", &[]).await?;
                Ok(check(1)?)
            })
            .await?;
        Ok(n)
    });
    let Err(Mine::Creche(error)) = moved else { panic!("it failed") };
    assert!(matches!(error.downcast_ref(), Some(Mine::Low(2))), "{error:?}");
    let left = block_on(async { db.query("select count(*) from foreign_errors", &[]).await });
    assert_eq!(count(&left.unwrap()), 0);
}
