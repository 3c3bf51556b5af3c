//! The methods of Arrow Flight, as Feast's offline server has them.

use std::net::SocketAddr;
use std::sync::Arc;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use arrow_schema::Schema;
use larder_core::{Error, ErrorKind, Result};
use tonic::{Request, Response, Status, Streaming};

use super::OfflineServer;
use super::answer::{Messages, at_hand, messages};
use super::command::{Command, Read, unknown};
use super::pending::{Full, Pending, PendingRead};
use super::status::flight_status;
use super::table::Table;
use super::upload::Upload;
use crate::gate::Facts;
use crate::metrics::Direction;

/// The service of one listener.
#[derive(Debug, Clone)]
pub(super) struct Flights {
    server: OfflineServer,
    pending: Arc<Pending>,
    /// Where a `DoGet` goes.
    location: String,
}

/// What Feast 0.67 lists; `DoAction` does none of it, there as here.
const ACTIONS: [(&str, &str); 3] = [
    (
        "offline_write_batch",
        "Writes the specified arrow table to the data source underlying the specified feature view.",
    ),
    (
        "write_logged_features",
        "Writes logged features to a specified destination in the offline store.",
    ),
    (
        "persist",
        "Synchronously executes the underlying query and persists the result in the same offline store at the \
         specified destination.",
    ),
];

/// The client's own connection, for a server that listens on every address.
const SAME_CONNECTION: &str = "arrow-flight-reuse-connection://?";

impl Flights {
    /// The service that is reached at `address`.
    pub(super) fn new(
        server: OfflineServer,
        pending: Arc<Pending>,
        address: Option<SocketAddr>,
        is_encrypted: bool,
    ) -> Self {
        let scheme = if is_encrypted { "grpc+tls" } else { "grpc+tcp" };
        let location = match address {
            Some(address) if !address.ip().is_unspecified() => format!("{scheme}://{address}"),
            _ => SAME_CONNECTION.to_owned(),
        };
        Self { server, pending, location }
    }

    /// Answers a read from one catalog.
    async fn read(&self, read: &Read, table: Table) -> Result<Response<Messages<FlightData>>> {
        let rows = table_rows(&table);
        let snapshot = self.server.catalog.load();
        let answer = self.server.read(snapshot.catalog(), read, table).await?;
        let mut response = Response::new(messages(answer, read.api(), self.server.metrics.clone()));
        response.extensions_mut().insert(Facts::rows(rows));
        Ok(response)
    }

    /// The status of an error, which is counted.
    fn refuse(&self, api: &'static str, error: &Error) -> Status {
        self.count(api, Some(error.kind()));
        flight_status(error)
    }

    fn count(&self, api: &'static str, kind: Option<ErrorKind>) {
        if let Some(metrics) = &self.server.metrics {
            metrics.offline_command(api, kind);
        }
    }

    fn count_rows(&self, api: &'static str, table: &Table) {
        if let Some(metrics) = &self.server.metrics {
            metrics.offline_rows(api, Direction::In, table_rows(table) as u64);
        }
    }

    /// The command of an upload.
    fn command(&self, descriptor: &FlightDescriptor) -> Result<Command, Status> {
        Command::parse(&descriptor.cmd).map_err(|error| self.refuse(UNKNOWN, &error))
    }

    fn info(&self, descriptor: FlightDescriptor, ticket: String) -> Result<FlightInfo, Status> {
        let endpoint = FlightEndpoint::new()
            .with_ticket(Ticket::new(ticket))
            .with_location(self.location.clone());
        // Feast 0.67: nothing is known of the answer before it is made.
        let info = FlightInfo::new().try_with_schema(&Schema::empty());
        let info = info.map_err(|error| Status::internal(error.to_string()))?;
        Ok(info
            .with_descriptor(descriptor)
            .with_endpoint(endpoint)
            .with_total_records(-1)
            .with_total_bytes(-1))
    }
}

/// The label of what is no command.
const UNKNOWN: &str = "unknown";

/// The rows of a table that stands for one.
fn table_rows(table: &Table) -> usize {
    if table.is_nothing() { 0 } else { table.rows() }
}

fn not_found(what: &str) -> Status {
    flight_status(&Error::new(ErrorKind::NotFound, what))
}

#[tonic::async_trait]
impl FlightService for Flights {
    type HandshakeStream = Messages<HandshakeResponse>;
    type ListFlightsStream = Messages<FlightInfo>;
    type DoGetStream = Messages<FlightData>;
    type DoPutStream = Messages<PutResult>;
    type DoExchangeStream = Messages<FlightData>;
    type DoActionStream = Messages<arrow_flight::Result>;
    type ListActionsStream = Messages<ActionType>;

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        let upload = Upload::receive(request.into_inner(), &self.server.config).await?;
        let command = self.command(&upload.descriptor)?;
        let api = command.api();
        let Command::Read(read) = command else {
            return Err(self.refuse(api, &unknown(api)));
        };
        self.count_rows(api, &upload.table);
        let answer = self.read(&read, upload.table).await;
        let answer = answer.map_err(|error| self.refuse(api, &error))?;
        self.count(api, None);
        Ok(answer)
    }

    /// Answers when the rows are durable: Feast's client looks at nothing but the end of the call.
    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let upload = Upload::receive(request.into_inner(), &self.server.config).await?;
        let command = self.command(&upload.descriptor)?;
        let Upload { descriptor, table, bytes } = upload;
        let (api, rows) = (command.api(), table_rows(&table));
        match command {
            Command::Write(write) => {
                self.count_rows(api, &table);
                let snapshot = self.server.catalog.load();
                let written = self.server.write(snapshot.catalog(), &write, table).await;
                written.map_err(|error| self.refuse(api, &error))?;
                self.count(api, None);
            }
            Command::Read(read) => {
                let read = PendingRead { descriptor, read, table, bytes };
                self.pending.put(read).map_err(|Full| {
                    Status::resource_exhausted(
                        "too many uploaded tables wait for their DoGet; hint: retry after a while",
                    )
                })?;
            }
        }
        let mut response = Response::new(at_hand(Vec::new()));
        response.extensions_mut().insert(Facts::rows(rows));
        Ok(response)
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let descriptor = request.into_inner();
        let ticket = self.pending.ticket(&descriptor);
        // Feast 0.67's words.
        let ticket = ticket.ok_or_else(|| not_found("'Flight not found.'"))?;
        self.info(descriptor, ticket).map(Response::new)
    }

    async fn do_get(
        &self,
        request: Request<Ticket>,
    ) -> Result<Response<Self::DoGetStream>, Status> {
        let ticket = request.into_inner().ticket;
        let pending = self.pending.get(&ticket);
        let PendingRead { read, table, .. } = pending.ok_or_else(|| {
            not_found("nothing waits under this ticket; hint: put the command again")
        })?;
        let api = read.api();
        self.count_rows(api, &table);
        let answer = self.read(&read, table).await;
        let answer = answer.map_err(|error| self.refuse(api, &error))?;
        self.pending.remove(&ticket);
        self.count(api, None);
        Ok(answer)
    }

    async fn list_flights(
        &self,
        _: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        let all = self.pending.all().into_iter();
        let infos = all.map(|(descriptor, ticket)| self.info(descriptor, ticket));
        Ok(Response::new(at_hand(infos.collect::<Result<_, _>>()?)))
    }

    async fn list_actions(
        &self,
        _: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        let action = |(kind, description): (&str, &str)| ActionType {
            r#type: kind.to_owned(),
            description: description.to_owned(),
        };
        Ok(Response::new(at_hand(ACTIONS.map(action).into())))
    }

    async fn do_action(
        &self,
        _: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        Err(Status::unimplemented("no action can be done; hint: commands are sent with DoPut"))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        Err(Status::unimplemented("there is no handshake; hint: send the token with every call"))
    }

    async fn poll_flight_info(
        &self,
        _: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        Err(Status::unimplemented("commands are not polled; hint: send them with DoExchange"))
    }

    async fn get_schema(
        &self,
        _: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        Err(Status::unimplemented("a schema comes with its rows; hint: send DoExchange"))
    }
}
