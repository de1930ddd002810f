package main

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"regexp"

	"matrixdevices"

	"github.com/matrix-org/dendrite/setup/config"
	"github.com/matrix-org/dendrite/userapi/api"
	"github.com/matrix-org/dendrite/userapi/storage"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

// userAPI is what is used of Dendrite's, whose type Go lets nobody else name.
type userAPI interface {
	QueryAccessToken(context.Context, *api.QueryAccessTokenRequest, *api.QueryAccessTokenResponse) error
	QueryLocalpartForThreePID(context.Context, *api.QueryLocalpartForThreePIDRequest, *api.QueryLocalpartForThreePIDResponse) error
	PerformDeviceUpdate(context.Context, *api.PerformDeviceUpdateRequest, *api.PerformDeviceUpdateResponse) error
	PerformLastSeenUpdate(context.Context, *api.PerformLastSeenUpdateRequest, *api.PerformLastSeenUpdateResponse) error
	PerformUploadKeys(context.Context, *api.PerformUploadKeysRequest, *api.PerformUploadKeysResponse) error
}

// host is what the module asks: Dendrite.
type host struct {
	cfg      *config.Dendrite
	api      userAPI
	keys     storage.KeyDatabase
	services []service
	lastSeen *lastSeen
	hashing  chan struct{} // how many passwords may be compared at a time
	nobodys  []byte        // a hash for users who are not there

	users       *database // accounts, devices, pushers, sessions
	sync        *database // queued messages
	keyDatabase *database
}

// service is an application service.
type service struct {
	config.ApplicationService
	sender string           // its own user ID
	users  []*regexp.Regexp // its namespace, from the start of a user ID on
}

func servicesOf(cfg *config.Dendrite) ([]service, error) {
	var all []service
	for _, registered := range cfg.Derived.ApplicationServices {
		s := service{ApplicationService: registered}
		s.sender = fmt.Sprintf("@%s:%s", registered.SenderLocalpart, cfg.Global.ServerName)
		for _, namespace := range registered.NamespaceMap["users"] {
			expression, err := regexp.Compile("^(?:" + namespace.Regex + ")")
			if err != nil {
				return nil, fmt.Errorf("application service %s: %w", registered.ID, err)
			}
			s.users = append(s.users, expression)
		}
		all = append(all, s)
	}
	return all, nil
}

func (s *service) covers(userID string) bool {
	for _, users := range s.users {
		if users.MatchString(userID) {
			return true
		}
	}
	return false
}

func (h *host) Logger() *slog.Logger { return slog.New(logrusHandler{}) }

// Authenticate does not go through Dendrite's VerifyUserFromRequest, which looks for the token by
// other rules, and knows no device of an application service.
func (h *host) Authenticate(ctx context.Context, c *matrixdevices.Credentials) (*matrixdevices.Principal, error) {
	for i := range h.services {
		s := &h.services[i]
		if subtle.ConstantTimeCompare([]byte(s.ASToken), []byte(c.AccessToken)) == 1 {
			return h.authenticateService(ctx, s, c)
		}
	}
	var answer api.QueryAccessTokenResponse
	request := api.QueryAccessTokenRequest{AccessToken: string(c.AccessToken)}
	if err := h.api.QueryAccessToken(ctx, &request, &answer); err != nil {
		return nil, err
	}
	if answer.Device == nil {
		return nil, matrixdevices.ErrUnknownToken
	}
	device := answer.Device
	h.lastSeen.note(ctx, device.UserID, device.ID, c.RemoteAddr)
	return &matrixdevices.Principal{
		UserID: device.UserID, DeviceID: device.ID, TokenID: fmt.Sprint(device.SessionID),
		Guest: device.AccountType == api.AccountTypeGuest,
	}, nil
}

func (h *host) authenticateService(ctx context.Context, s *service, c *matrixdevices.Credentials) (*matrixdevices.Principal, error) {
	principal := &matrixdevices.Principal{
		UserID: s.sender, TokenID: s.ID, ServiceID: s.ID, AppService: true, Unlimited: true,
	}
	if c.UserID != nil && *c.UserID != s.sender {
		if err := h.mayActAs(ctx, s, *c.UserID); err != nil {
			return nil, err
		}
		principal.UserID = *c.UserID
		principal.Unlimited = !s.RateLimited
	}
	if c.DeviceID == nil {
		return principal, nil
	}
	if _, err := h.GetDevice(ctx, nil, principal.UserID, *c.DeviceID); err != nil {
		if errors.Is(err, matrixdevices.ErrNotFound) {
			err = matrixdevices.ErrUnknownDevice
		}
		return nil, err
	}
	principal.DeviceID = *c.DeviceID
	h.lastSeen.note(ctx, principal.UserID, principal.DeviceID, c.RemoteAddr)
	return principal, nil
}

// mayActAs: a user of its namespace whom it has registered, and who is not deactivated (A11).
func (h *host) mayActAs(ctx context.Context, s *service, userID string) error {
	localpart, domain, err := split(userID)
	if err != nil || !h.cfg.Global.IsLocalServerName(domain) {
		return matrixdevices.ErrForbidden
	}
	account, err := h.account(ctx, localpart, domain)
	if errors.Is(err, sql.ErrNoRows) {
		return matrixdevices.ErrForbidden
	}
	if err == nil && (account.isDeactivated || !s.covers(userID)) {
		return matrixdevices.ErrForbidden
	}
	return err
}

type account struct {
	passwordHash  string
	isDeactivated bool
}

// account is read from the table: Dendrite's API does not tell of deactivation.
func (h *host) account(ctx context.Context, localpart string, domain spec.ServerName) (account, error) {
	var hash sql.NullString
	var isDeactivated sql.NullBool
	err := h.users.db.QueryRowContext(ctx, "SELECT password_hash, is_deactivated FROM userapi_accounts"+
		" WHERE localpart = $1 AND server_name = $2", localpart, domain).Scan(&hash, &isDeactivated)
	return account{hash.String, isDeactivated.Bool}, err
}
