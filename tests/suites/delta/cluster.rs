//! Joins of Delta tables on a cluster of `fs` processes.

use larder_tests::JoinCluster;

use crate::{PAIRS, joined, repository};

#[test]
fn executors_read_the_version_that_the_client_saw() {
    let repository = repository();
    let here: Vec<_> =
        PAIRS.map(|([table, _], features)| joined(&repository, table, features)).into();
    let cluster = JoinCluster::start(30, 2, &[]);
    let scheduler = cluster.scheduler();
    let store =
        format!("offline_store: {{type: ballista, scheduler: \"{scheduler}\", partitions: 2}}\n");
    repository.write("larder.yaml", store);
    let there: Vec<_> =
        PAIRS.map(|([table, _], features)| joined(&repository, table, features)).into();
    assert_eq!(there, here, "{}", cluster.logs());
}
