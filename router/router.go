package router

import (
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/browser"
	"flowring/internal/fairshare"
	"flowring/internal/lograte"
	"flowring/router/admin"
	"flowring/router/admission"
	"flowring/router/ask"
	"flowring/router/coding"
	"flowring/router/ingest"
	"flowring/router/openapi"
	"flowring/router/principal"
	"flowring/router/quota"
	"flowring/router/reception"
	"flowring/router/rows"
	"flowring/router/watch"
)

// Config holds the limits of the public API. A zero field means its default.
type Config struct {
	MaxRequests   int           // requests of HTTP/2 in progress, shared fairly by address; default 16384
	MaxBody       int64         // bytes of a POST, as received and again as decompressed; default 32 MiB
	MaxHours      int           // different hours in the records of a POST; default 1000
	AnyHour       bool          // accept an hour that looks like a time in another unit, such as seconds since 1970
	MaxBuffered   int64         // bytes of bodies in memory, over all requests; default 8 * MaxBody
	MaxPosts      int           // POSTs in progress, including the waiting ones; default 4096
	MaxWait       time.Duration // for a POST until its body is received; default 2 s, at most 1 s less than PostTimeout
	MaxActive     int           // active POSTs, from the body to the outcome, without slow ones; default 64 * GOMAXPROCS
	MaxDecoding   int           // bodies decompressed and decoded at once; default 2 * GOMAXPROCS
	MaxReading    int           // GETs of an hour in progress; default 1024
	MaxLong       int           // answers of more than 64 KiB sent at once; as many may wait; default 8 * GOMAXPROCS
	PostTimeout   time.Duration // from the last byte of the body to the outcome; default 3.8 s, to answer within 4 s
	GetTimeout    time.Duration // until the answer to a GET is opened, which may load a large hour; default 30 s
	BodyTimeout   time.Duration // for receiving a body; default 30 s
	SendTimeout   time.Duration // for the client to take each 64 KiB of an answer; default 30 s
	MetricsOpen   bool          // /metrics needs no credentials
	MaxViewers    int           // viewers of streams of queries at once; default 1000
	MaxStreamRows int           // rows of a query with viewers; default 10,000
	Ingest        ingest.Config // of POST /ingest/PRESET; without presets: the embedded ones
	ReadOrigins   []string      // origins whose pages may read answers in a browser, as returned by browser.Origin
}

// The default limits.
const (
	DefaultMaxRequests = 16384
	DefaultMaxBody     = 32 << 20
	DefaultMaxHours    = 1000
	DefaultMaxPosts    = 4096
	DefaultMaxWait     = 2 * time.Second
	DefaultMaxReading  = 1024
	DefaultTimeout     = 3800 * time.Millisecond
	DefaultGetTimeout  = 30 * time.Second
	DefaultBodyTimeout = 30 * time.Second
	DefaultSendTimeout = 30 * time.Second

	DefaultMaxViewers    = watch.DefaultMaxViewers
	DefaultMaxStreamRows = watch.DefaultMaxRows
)

// LeastBody is the least MaxBody, in bytes: each POST is charged for admission.MinCharge several times, and three times
// LeastBody has room for the charges of a body in every content coding.
const LeastBody = 4 * admission.MinCharge

// LongestWait is the greatest MaxWait with the default PostTimeout: the rest is for the outcome. New reduces a greater
// one.
const LongestWait = DefaultTimeout - time.Second

// Deps are the router's collaborators. Cluster and Log are required.
type Deps struct {
	Cluster    Cluster
	Log        *slog.Logger
	Metrics    http.Handler          // answers /metrics; nil: 404
	Registry   prometheus.Registerer // nil: the metrics are counted and not registered
	Meter      *rows.Meter           // counts questions; nil: one of its own, with Registry
	CPUSlots   admission.CPUSlots    // for compressing answers; nil: admission.DefaultCPUSlots
	Admin      admin.Calls           // the calls of operators; nil: 404
	Gate       *principal.Gate       // decides who may do what; nil: an open gate
	Pages      Pages                 // for people; nil: none
	Guard      *browser.Guard        // refuses requests of pages of other sites; nil: a guard without trusted origins
	MemoryFull func() bool           // reports whether the process has no memory for more POSTs; nil: never
	Now        func() time.Time      // for ranges that are relative to the present hour; nil: time.Now
	Hours      ingest.Hours          // the hours that the cluster takes of presets; nil: all
	Unready    func() bool           // reports whether clients should close their connections; nil: never
}

// router is the state shared by all requests.
type router struct {
	Config
	Deps
	metrics    metrics
	admission  *admission.Controller
	accounts   *quota.Accounts
	reception  *reception.Reception
	ingest     *ingest.Handler
	watch      *watch.Hub
	streams    fairshare.Counter // requests of HTTP/2
	reading    chan struct{}     // holds one value per hour being answered
	long       chan struct{}     // holds one value per long answer being sent
	queued     chan struct{}     // holds one value per waiting long answer
	encoders   coding.Encoders
	parsers    sync.Pool // of *parser
	overloaded lograte.Limiter
	reused     lograte.Limiter
	http2      lograte.Limiter
}

// New returns the complete public handler. It panics when its metrics are already in deps.Registry.
func New(cfg Config, deps Deps) http.Handler { return newRouter(cfg, deps).handler() }

func newRouter(cfg Config, deps Deps) *router {
	cfg = cfg.withDefaults()
	rt := &router{
		Config:  cfg,
		Deps:    deps,
		reading: make(chan struct{}, cfg.MaxReading),
		long:    make(chan struct{}, cfg.MaxLong),
		queued:  make(chan struct{}, cfg.MaxLong),
		streams: fairshare.Counter{Max: cfg.MaxRequests},
	}
	if rt.Now == nil {
		rt.Now = time.Now
	}
	if rt.CPUSlots == nil {
		rt.CPUSlots = admission.NewCPUSlots(admission.DefaultCPUSlots())
	}
	if rt.Guard == nil {
		rt.Guard, _ = browser.New(browser.Config{}) // fails only for an origin
	}
	if rt.Gate == nil {
		rt.Gate = principal.NewGate(principal.Config{Log: rt.Log})
	}
	rt.admission = admission.New(admission.Config{
		MaxPosts: cfg.MaxPosts, MaxBytes: cfg.MaxBuffered, MaxActive: cfg.MaxActive, MaxWait: cfg.MaxWait,
		MemoryFull: deps.MemoryFull,
	})
	rt.accounts = quota.New(deps.Registry)
	rt.metrics = newMetrics(deps.Registry, rt.admission)
	if rt.Meter == nil {
		rt.Meter = rows.NewMeter(rt.Registry, rt.Log)
	}
	rt.reception = reception.New(
		reception.Config{MaxBody: cfg.MaxBody, MaxDecoding: cfg.MaxDecoding, PostTimeout: cfg.PostTimeout},
		reception.Deps{
			Admission: rt.admission, Waited: rt.metrics.waited, BodyBytes: rt.metrics.bodyBytes,
		})
	rt.ingest = rt.newIngest()
	viewers := watch.Config{MaxViewers: cfg.MaxViewers, MaxRows: cfg.MaxStreamRows, SendTimeout: cfg.SendTimeout}
	rt.watch = watch.New(viewers, watch.Deps{
		Query: deps.Cluster.Query, Now: rt.Now, Ending: deps.Unready, Registry: deps.Registry, Problem: problemLine,
	})
	return rt
}

func (rt *router) handler() http.Handler {
	return rt.observe(rt.limitHTTP2(rt.timed(rt.guarded(served(rt.routes())))))
}

// timed sets the deadline BodyTimeout for the body of each request, on every path and for every method, because
// net/http reads a part of a refused body before it answers. net/http removes the deadline at the end of the body.
// Setting it fails only in tests without a connection.
func (rt *router) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(rt.BodyTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// routes maps paths and methods to handlers. takes lists the parameters of a route; without it a route ignores its
// query. A route of get needs the scope read, and a route of open no credentials. Paths are not cleaned, because mux
// would redirect a POST to //flows, and most clients repeat a redirected POST as a GET.
func (rt *router) routes() *mux.Router {
	m := mux.NewRouter().SkipClean(true)
	open := func(path string, h http.HandlerFunc) { m.HandleFunc(path, h).Methods(http.MethodGet, http.MethodHead) }
	get := func(path string, h http.HandlerFunc) { open(path, rt.needs(principal.Read, h)) }
	m.HandleFunc("/flows", rt.takes(rt.named(principal.Write, rt.postFlows))).Methods(http.MethodPost)
	m.HandleFunc("/ingest/{preset}", rt.takes(rt.named(principal.Write, rt.postIngest))).Methods(http.MethodPost)
	m.HandleFunc("/v1/metrics", rt.takes(rt.named(principal.Write, rt.postMetrics))).Methods(http.MethodPost)
	get("/flows", rt.takes(rt.getFlows, ask.Parameters()...))
	get("/flows/stream", rt.takes(rt.getStream, ask.StreamParameters()...))
	get("/hours", rt.takes(rt.getHours, ask.HoursParameters()...))
	get("/names", rt.takes(rt.getNames, ask.NamesParameters()...))
	get("/members", rt.takes(rt.getMembers))
	open("/healthz", getLive)
	open("/livez", getLive)
	open("/readyz", rt.takes(rt.getReady, "for"))
	open("/problems/{name}", rt.getProblem)
	open("/openapi.json", openapi.Get)
	open("/", rt.getIndex)
	if rt.Pages != nil {
		for _, path := range [...]string{"/explore", "/live", "/cluster"} {
			open(path, rt.getPage)
		}
		open("/sign-out", rt.Pages.ServeHTTP)
		m.HandleFunc("/sign-in", rt.signIn).Methods(http.MethodGet, http.MethodHead, http.MethodPost)
		m.PathPrefix("/page/").Methods(http.MethodGet, http.MethodHead).Handler(rt.Pages)
	}
	if rt.Metrics != nil {
		map[bool]func(string, http.HandlerFunc){true: open, false: get}[rt.MetricsOpen]("/metrics", rt.Metrics.ServeHTTP)
	}
	if rt.Admin != nil {
		door := admin.Door{Calls: rt.Admin, Gate: rt.Gate, Log: rt.Log}
		m.HandleFunc("/admin/drain", rt.takes(rt.done(door.Drain), "node")).Methods(http.MethodPost)
		m.HandleFunc("/admin/retention/confirm", rt.takes(rt.done(door.ConfirmRetention))).Methods(http.MethodPost)
		m.HandleFunc("/admin/forget", rt.takes(rt.done(door.Forget), "store", "force")).Methods(http.MethodPost)
		m.HandleFunc("/admin/erase", rt.takes(func(w http.ResponseWriter, r *http.Request) {
			state, err := door.Erase(r)
			rt.answer(w, r, state, err)
		}, "from", "to", "apply")).Methods(http.MethodPost)
		m.HandleFunc("/admin/backup", rt.takes(func(w http.ResponseWriter, r *http.Request) {
			state, err := door.Backup(r)
			rt.answer(w, r, state, err)
		}, "name")).Methods(http.MethodPost)
	}
	m.NotFoundHandler = http.HandlerFunc(rt.notFound)
	m.MethodNotAllowedHandler = rt.methodNotAllowed(m)
	return m
}

// served calls the handler found by m; m has handlers for 404 and 405 too. mux.Router.ServeHTTP would copy each
// request twice for the variables of a path, which only getProblem needs.
func served(m *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var match mux.RouteMatch
		m.Match(r, &match)
		if len(match.Vars) > 0 {
			r = mux.SetURLVars(r, match.Vars)
		}
		match.Handler.ServeHTTP(w, r)
	})
}

func (c Config) withDefaults() Config {
	orDefault(&c.MaxRequests, DefaultMaxRequests)
	orDefault(&c.MaxBody, DefaultMaxBody)
	orDefault(&c.MaxHours, DefaultMaxHours)
	orDefault(&c.MaxBuffered, 8*c.MaxBody)
	orDefault(&c.MaxPosts, DefaultMaxPosts)
	orDefault(&c.MaxWait, DefaultMaxWait)
	orDefault(&c.MaxActive, 64*runtime.GOMAXPROCS(0))
	orDefault(&c.MaxDecoding, 2*runtime.GOMAXPROCS(0))
	orDefault(&c.MaxReading, DefaultMaxReading)
	orDefault(&c.MaxLong, 8*runtime.GOMAXPROCS(0))
	orDefault(&c.PostTimeout, DefaultTimeout)
	c.MaxWait = min(c.MaxWait, max(c.PostTimeout-time.Second, c.PostTimeout/2))
	orDefault(&c.GetTimeout, DefaultGetTimeout)
	orDefault(&c.BodyTimeout, DefaultBodyTimeout)
	orDefault(&c.SendTimeout, DefaultSendTimeout)
	return c
}

// orDefault sets *v to def when it is not positive.
func orDefault[T int | int64 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
