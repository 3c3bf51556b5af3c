//! What is answered otherwise than recorded, and why; `docs/compatibility.md` holds the same list.

use larder_tests::Repository;

/// One exchange that differs.
pub(crate) struct Exception {
    /// Its name.
    pub(crate) exchange: &'static str,
    pub(crate) reason: &'static str,
}

const fn except(exchange: &'static str, reason: &'static str) -> Exception {
    Exception { exchange, reason }
}

pub(crate) const GRPC: &[Exception] = &[
    except("int32 value for an int64 join key", "the value is cast to the declared type"),
    except("on-demand, request data inside entities", "request data is taken there, as over HTTP"),
    except("nothing asked", "same code, Larder's own text"),
    except("Push with string features", "same code, Larder's own text"),
    except(
        "read back the pushed users",
        "a unix timestamp counts seconds; Feast takes them for nanoseconds",
    ),
    except("ServingService.GetOnlineFeatures on the Python server", "both services are served"),
    except("ServingService.GetFeastServingInfo on the Python server", "both services are served"),
    except("health, GrpcFeatureServer", "every service reports its health"),
    except("reflection", "reflection is served"),
];

pub(crate) const REMOTE_CLIENT: &[Exception] = &[except(
    "write_batch, one row with created and one without",
    "a row may lack its created time",
)];

pub(crate) const FLIGHT: &[Exception] = &[
    except("pull_all_no_dates", "an interval without ends is answered; Feast's server fails"),
    except("legacy_get_twice", "what was fetched is not found; Feast's server fails"),
    except("raw_exchange_no_api", "a command without api is an invalid argument"),
];

pub(crate) const HTTP: &[Exception] = &[
    except(
        "push: missing column (redis)",
        "same status, Larder's own text; Feast's is a printout of pandas",
    ),
    except(
        "push: missing column (sqlite)",
        "same status, Larder's own text; Feast's is a printout of pandas",
    ),
    except(
        "write: on-demand view stored at write time (sqlite)",
        "on SQLite Feast makes no table for the view, and fails",
    ),
    except(
        "read: the int/null batch (timestamps became the NaT sentinel, 2^53+1 lost a bit) (redis)",
        "numbers beside a null stay what they are; Feast reads the column as floats",
    ),
    except(
        "read: the int/null batch (timestamps became the NaT sentinel, 2^53+1 lost a bit) (sqlite)",
        "numbers beside a null stay what they are; Feast reads the column as floats",
    ),
    except(
        "read: entityless view with rows of another view (redis)",
        "rows written to an entityless view are found; Feast stores them under a key that it never reads",
    ),
    except(
        "read: entityless view with rows of another view (sqlite)",
        "rows written to an entityless view are found; Feast stores them under a key that it never reads",
    ),
    except(
        "read: python singleton on-demand view, two rows (redis)",
        "every row is computed; Feast computes the first alone",
    ),
    except(
        "read: python singleton on-demand view, two rows (sqlite)",
        "every row is computed; Feast computes the first alone",
    ),
    except("read: stored on-demand view (redis)", "the times are those of the write, then and now"),
    except(
        "read: stored on-demand view (sqlite)",
        "on SQLite Feast makes no table for the view, and fails",
    ),
    except(
        "read entityless after materialize (redis)",
        "the row written before is newer and stays; Feast never found it",
    ),
];

#[test]
fn the_documentation_lists_the_same_exceptions() {
    let document = std::fs::read_to_string(Repository::workspace().join("docs/compatibility.md"))
        .expect("the page can be read");
    let rows = |list: &[Exception], protocol: &str| -> Vec<String> {
        list.iter().map(|e| format!("| {protocol} | {} | {} |", e.exchange, e.reason)).collect()
    };
    for (list, protocol) in
        [(GRPC, "gRPC"), (HTTP, "HTTP"), (REMOTE_CLIENT, "remote client"), (FLIGHT, "Flight")]
    {
        let start = format!("| {protocol} |");
        let listed: Vec<&str> = document.lines().filter(|line| line.starts_with(&start)).collect();
        assert_eq!(listed, rows(list, protocol));
    }
}
