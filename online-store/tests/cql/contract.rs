//! The contract, in both flavours and with both write times; these are independent of each other.

use std::sync::Arc;

use larder_online_store::{
    CqlFlavour, OnlineStore, WriteTimestamp, contract, online_store_contract,
};
use tokio::sync::OnceCell;

use crate::cluster::{config, new_keyspace, store};

/// One keyspace for all: every test has a project of its own.
static KEYSPACE: OnceCell<String> = OnceCell::const_new();

async fn make(flavour: CqlFlavour, write_timestamp: WriteTimestamp) -> ((), Arc<dyn OnlineStore>) {
    let mut config = config(flavour, KEYSPACE.get_or_init(new_keyspace).await);
    config.write_timestamp = write_timestamp;
    ((), Arc::new(store(config)))
}

macro_rules! contract_of {
    ($module:ident, $flavour:ident, $write_timestamp:ident) => {
        mod $module {
            use super::*;

            online_store_contract!(
                make(CqlFlavour::$flavour, WriteTimestamp::$write_timestamp).await
            );

            #[tokio::test]
            async fn a_table_never_made_is_not_found() {
                let ((), store) =
                    make(CqlFlavour::$flavour, WriteTimestamp::$write_timestamp).await;
                contract::a_table_never_made_is_not_found(&contract::Store::new(store)).await;
            }

            #[tokio::test]
            async fn a_view_that_fails_does_not_fail_the_others() {
                let ((), store) =
                    make(CqlFlavour::$flavour, WriteTimestamp::$write_timestamp).await;
                let store = contract::Store::new(store);
                contract::a_view_that_fails_does_not_fail_the_others(&store).await;
            }
        }
    };
}

contract_of!(cassandra, Cassandra, WallClock);
contract_of!(scylladb, ScyllaDb, WallClock);
contract_of!(scylladb_by_event_time, ScyllaDb, EventTime);
