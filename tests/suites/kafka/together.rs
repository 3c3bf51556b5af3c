//! Jobs that share the reading of their topic, in changing sets.

use larder_tests::Kafka;

use crate::running::Running;
use crate::shop::{ALL, JOBS, Shop, events_topic};
use crate::visitors::{Visitors, put};

/// The rows are those of jobs that each ran alone.
fn same_as_alone(kafka: &Kafka, events: &str, together: &Shop) {
    let alone = Shop::over(kafka, events);
    for job in ALL {
        let mut running = [alone.start(&[job])];
        alone.wait(&[job], &mut running);
        running.into_iter().for_each(Running::stop);
    }
    for job in JOBS {
        let (expected, found) = (alone.rows(job), together.rows(job));
        assert!(!expected.is_empty(), "{job} has rows");
        assert_eq!(found.len(), expected.len(), "{job}");
        assert!(found == expected, "{job} has other rows");
    }
    assert_eq!(together.served(), alone.served());
}

#[test]
fn jobs_in_changing_sets_and_instances_tell_every_row_once() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut visitors = Visitors::new(19);
    put(&kafka, &events, &visitors.events(5_000));
    let mut running = [shop.start(&["clicks"])];
    shop.wait(&["clicks"], &mut running);
    let [first] = running;
    // The others begin at the beginning, where clicks are told already.
    put(&kafka, &events, &visitors.events(5_000));
    first.kill();
    let mut running = [shop.start(&[])];
    shop.wait(&["alerts"], &mut running);
    put(&kafka, &events, &visitors.events(10_000));
    running.into_iter().for_each(Running::kill);
    // Instances with different jobs: of clicks they share the partitions.
    let sets: [&[&str]; 2] =
        [&["clicks", "visits", "--instance", "a"], &["alerts", "clicks", "--instance", "b"]];
    let mut running = sets.map(|set| shop.start(set));
    put(&kafka, &events, &visitors.events(10_000));
    shop.wait(&["clicks", "visits", "alerts"], &mut running);
    let [one, other] = running;
    one.kill();
    put(&kafka, &events, &visitors.events(5_000));
    other.stop();
    let mut running = [shop.start(&[])];
    shop.wait(&ALL, &mut running);
    running.into_iter().for_each(Running::stop);
    same_as_alone(&kafka, &events, &shop);
}

#[test]
fn a_job_that_is_far_behind_catches_up_and_goes_on_with_the_others() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut visitors = Visitors::new(23);
    // More than jobs that share a reading are apart.
    put(&kafka, &events, &visitors.events(210_000));
    let mut running = [shop.start(&["alerts"])];
    shop.wait(&["alerts"], &mut running);
    running.into_iter().for_each(Running::stop);
    let mut running = [shop.start(&["alerts", "clicks"])];
    shop.wait(&["clicks"], &mut running);
    put(&kafka, &events, &visitors.events(5_000));
    shop.wait(&["alerts", "clicks"], &mut running);
    running.into_iter().for_each(Running::stop);
    let alone = Shop::over(&kafka, &events);
    let mut running = [alone.start(&["clicks"])];
    alone.wait(&["clicks"], &mut running);
    running.into_iter().for_each(Running::stop);
    assert!(shop.rows("clicks") == alone.rows("clicks"));
}
