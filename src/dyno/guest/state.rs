use crate::dyno::Limits;
use std::future::ready;
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, component::ResourceTable};
use wasmtime_wasi::{WasiCtxView, WasiView, p1::WasiP1Ctx};
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// The store data of every guest: one sandbox seen through the WASI 0.2 and the preview 1 front.
pub(in crate::dyno) struct GuestState {
    wasi: WasiP1Ctx,
    http: WasiHttpCtx,
    hooks: Hooks,
    limits: StoreLimits,
}

impl GuestState {
    pub(in crate::dyno) fn new(wasi: WasiP1Ctx, limits: Limits) -> Self {
        let memory = usize::try_from(limits.memory).unwrap_or(usize::MAX);
        let limits = StoreLimitsBuilder::new().memory_size(memory).build();
        Self { wasi, http: WasiHttpCtx::new(), hooks: Hooks, limits }
    }

    /// The preview 1 front's view.
    pub(in crate::dyno) fn preview1(&mut self) -> &mut WasiP1Ctx {
        &mut self.wasi
    }

    /// A store for one instance: limited, and yielding its thread whenever the epoch turns.
    pub(super) fn into_store(self, engine: &wasmtime::Engine) -> Store<Self> {
        let mut store = Store::new(engine, self);
        store.limiter(|state| &mut state.limits);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let table: &mut ResourceTable = self.wasi.ctx().table;
        WasiHttpCtxView { ctx: &mut self.http, table, hooks: &mut self.hooks }
    }
}

/// How `wasi:http` behaves for our guests.
struct Hooks;

type Pending = Box<dyn Future<Output = Result<(), HttpError>> + Send>;
type Answer = Result<(http::Response<WasiBody>, Pending), HttpError>;

impl WasiHttpHooks for Hooks {
    /// A dyno has no network yet, so no request leaves it.
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Pending,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        Box::new(ready(Err(HttpError::HttpRequestDenied)))
    }

    /// With room for several chunks a small answer never waits for the connection: at most 32 × 64 KiB.
    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        32
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        64 * 1024
    }
}
