package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"matrixdevices"

	"github.com/gorilla/mux"
	"github.com/matrix-org/dendrite/internal/httputil"
	"github.com/matrix-org/dendrite/internal/sqlutil"
	"github.com/matrix-org/dendrite/setup/config"
	"github.com/matrix-org/dendrite/setup/process"
	"github.com/matrix-org/dendrite/userapi/storage"
	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"
)

var (
	library = flag.String("matrix-devices-module", "libmatrix_devices.so",
		"The module that answers the device endpoints")
	settingsFile = flag.String("matrix-devices-config", "",
		"A JSON file with settings of the module (optional)")
)

const drainTimeout = 30 * time.Second

// devices is the module, served by Dendrite.
type devices struct {
	module *matrixdevices.Module
	host   *host
}

// startDevices puts the module's routes before Dendrite's own. main() calls it when the APIs are
// there and before AddAllPublicRoutes.
func startDevices(
	cfg *config.Dendrite, cm *sqlutil.Connections, users userAPI, keys storage.KeyDatabase,
	routers httputil.Routers,
) *devices {
	d, err := newDevices(cfg, cm, users, keys)
	if err != nil {
		logrus.WithError(err).Fatal("matrix-devices could not be started")
	}
	agent := func(w http.ResponseWriter, r *http.Request) {
		d.module.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userAgentKey{}, r.UserAgent())))
	}
	// One route without methods: 405 is the module's answer too (R7).
	routers.Client.NewRoute().MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool {
		target := r.URL.EscapedPath()
		return d.module.Match(r.Method, target)
	}).HandlerFunc(agent)
	logrus.Infof("matrix-devices %s answers the device endpoints", d.module.Version())
	return d
}

func newDevices(
	cfg *config.Dendrite, cm *sqlutil.Connections, users userAPI, keys storage.KeyDatabase,
) (*devices, error) {
	settings := matrixdevices.Config{"unknown_fields": "null"} // as Dendrite's own answers are
	if *settingsFile != "" {
		text, err := os.ReadFile(*settingsFile)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &settings); err != nil {
			return nil, fmt.Errorf("%s: %w", *settingsFile, err)
		}
	}
	global := &cfg.Global.DatabaseOptions
	userDatabase, err := open(cm, global, &cfg.UserAPI.AccountDatabase)
	if err != nil {
		return nil, err
	}
	syncDatabase, err := open(cm, global, &cfg.SyncAPI.Database)
	if err != nil {
		return nil, err
	}
	keyDatabase, err := open(cm, global, &cfg.KeyServer.Database)
	if err != nil {
		return nil, err
	}
	if err := migrate(context.Background(), userDatabase); err != nil {
		return nil, err
	}
	services, err := servicesOf(cfg)
	if err != nil {
		return nil, err
	}
	nobodys, err := bcrypt.GenerateFromPassword([]byte("nobody's"), cfg.UserAPI.BCryptCost)
	if err != nil {
		return nil, err
	}
	h := &host{
		cfg: cfg, api: users, keys: keys, services: services, lastSeen: newLastSeen(users),
		hashing: make(chan struct{}, runtime.NumCPU()), nobodys: nobodys,
		users: userDatabase, sync: syncDatabase, keyDatabase: keyDatabase,
	}
	module, err := matrixdevices.New(*library, h, settings)
	if err != nil {
		return nil, err
	}
	module.ClientAddr = func(r *http.Request) string { return clientAddr(r, cfg.SyncAPI.RealIPHeader) }
	return &devices{module: module, host: h}, nil
}

// clientAddr is as /sync has it: the first address of the header that Dendrite is told to believe.
func clientAddr(r *http.Request, header string) string {
	if header != "" {
		if first, _, _ := strings.Cut(r.Header.Get(header), ","); first != "" {
			return strings.TrimSpace(first)
		}
	}
	if r.RemoteAddr == "@" { // a Unix socket
		return ""
	}
	return withoutPort(r.RemoteAddr)
}

// waitForShutdown takes the place of Dendrite's own, which at the signal breaks off every request
// and closes the databases: requests under way are answered first.
func waitForShutdown(processCtx *process.ProcessContext, d *devices) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-signals:
	case <-processCtx.WaitForShutdown():
	}
	signal.Reset(syscall.SIGINT, syscall.SIGTERM)
	logrus.Warn("Shutdown signal received")
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := d.module.Drain(ctx); err != nil {
		logrus.WithError(err).Error("matrix-devices did not finish")
	} else {
		d.host.lastSeen.end()
	}
	processCtx.ShutdownDendrite()
	processCtx.WaitForComponentsToFinish()
	logrus.Warn("Dendrite is exiting now")
}

// logrusHandler writes the lines of the module to Dendrite's log.
type logrusHandler struct{ fields logrus.Fields }

func (logrusHandler) Enabled(_ context.Context, level slog.Level) bool {
	return logrus.IsLevelEnabled(logrusLevel(level))
}

func (l logrusHandler) Handle(ctx context.Context, record slog.Record) error {
	entry := logrus.WithContext(ctx).WithFields(l.fields)
	record.Attrs(func(each slog.Attr) bool {
		entry = entry.WithField(each.Key, each.Value.Resolve().Any())
		return true
	})
	entry.Log(logrusLevel(record.Level), record.Message)
	return nil
}

func (l logrusHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	fields := logrus.Fields{}
	for key, value := range l.fields {
		fields[key] = value
	}
	for _, each := range attributes {
		fields[each.Key] = each.Value.Resolve().Any()
	}
	return logrusHandler{fields}
}

func (l logrusHandler) WithGroup(string) slog.Handler { return l }

func logrusLevel(level slog.Level) logrus.Level {
	switch {
	case level < slog.LevelInfo:
		return logrus.DebugLevel
	case level < slog.LevelWarn:
		return logrus.InfoLevel
	case level < slog.LevelError:
		return logrus.WarnLevel
	}
	return logrus.ErrorLevel
}
