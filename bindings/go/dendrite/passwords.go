package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"matrixdevices"

	"github.com/matrix-org/dendrite/clientapi/userutil"
	"github.com/matrix-org/dendrite/userapi/api"
	"github.com/matrix-org/gomatrixserverlib/spec"
	"golang.org/x/crypto/bcrypt"
)

func (h *host) UIAFlows(ctx context.Context, _ *matrixdevices.Principal, o *matrixdevices.UIAOperation) ([]matrixdevices.Flow, error) {
	localpart, domain, err := split(o.UserID)
	if err != nil {
		return nil, err
	}
	its, err := h.account(ctx, localpart, domain)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (its.passwordHash == "" || its.isDeactivated) {
		return nil, nil // nothing that this user could complete (U17)
	}
	return []matrixdevices.Flow{matrixdevices.PasswordFlow()}, err
}

// UIACheck compares by itself: Dendrite compares nothing for a user who is not there, which the time
// tells, and any number of passwords at once.
func (h *host) UIACheck(ctx context.Context, _ *matrixdevices.Principal, a *matrixdevices.UIAAttempt) (string, error) {
	if a.Type != "m.login.password" || a.Password == nil {
		return "", matrixdevices.ErrBadData
	}
	localpart, domain, err := h.named(ctx, a)
	if err != nil {
		return "", err
	}
	hash := h.nobodys
	its, err := h.account(ctx, localpart, domain)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	if err == nil && its.passwordHash != "" && !its.isDeactivated {
		hash = []byte(its.passwordHash)
	}
	select {
	case h.hashing <- struct{}{}:
		defer func() { <-h.hashing }()
	case <-ctx.Done():
		return "", matrixdevices.ErrUnavailable
	}
	switch err := bcrypt.CompareHashAndPassword(hash, []byte(*a.Password)); {
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return "", matrixdevices.ErrRefused
	case err != nil:
		return "", err
	}
	return userutil.MakeUserID(localpart, domain), nil
}

// named is whom an identifier means; "" for nobody.
func (h *host) named(ctx context.Context, a *matrixdevices.UIAAttempt) (string, spec.ServerName, error) {
	if a.Address != nil {
		address := *a.Address
		if *a.Medium == "email" {
			address = strings.ToLower(address)
		}
		var answer api.QueryLocalpartForThreePIDResponse
		request := api.QueryLocalpartForThreePIDRequest{ThreePID: address, Medium: *a.Medium}
		err := h.api.QueryLocalpartForThreePID(ctx, &request, &answer)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return answer.Localpart, answer.ServerName, err
	}
	if a.User == nil {
		return "", "", nil
	}
	localpart, domain, err := userutil.ParseUsernameParam(*a.User, &h.cfg.Global)
	if err != nil { // another server's
		return "", "", nil
	}
	if _, err = h.account(ctx, localpart, domain); errors.Is(err, sql.ErrNoRows) {
		return strings.ToLower(localpart), domain, nil // as people type it
	}
	return localpart, domain, err
}
