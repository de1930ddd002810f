#include "module/auth/page_texts.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>

#include <algorithm>

namespace mxd::auth {
namespace {

constexpr PageTexts kTexts[] = {
    {
        .language = "en",
        .title = "Confirm that it is you",
        .signs_out_one = "The button below signs out this device:",
        .signs_out_these = "The button below signs out these devices:",
        .signs_out_some = "The button below signs out devices of your account.",
        .and_more = {"and ", " more"},
        .account = "Account:",
        .server = "Server:",
        .password = "Password",
        .registration_token = "Registration token",
        .terms = "Please read:",
        .agree = "I have read them and agree.",
        .button = "Sign out",
        .wrong_password = "The password is wrong. Try again.",
        .wrong_token = "The registration token is not valid. Try another.",
        .not_accepted = "This was not accepted. Try again.",
        .other_account = "This is another account's. Use your own.",
        .empty_field = "Fill in the form.",
        .too_many = {"Too many attempts. Seconds to wait before the next one: ", "."},
        .done_title = "Thank you",
        .done = "This step is complete. You can close this window and go back to the application.",
        .failed_title = "That did not work",
        .gone = "This page has expired, or its link is wrong. Go back to the application and start "
                "again.",
        .forged = "This form was not sent from its own page. Go back to the application and start "
                  "again.",
        .too_large = "The form is too large.",
        .busy = "The server is busy or stopping. Try again later.",
        .failed = "The server failed inside. Its log says why; tell its operator.",
    },
    {
        .language = "de",
        .title = "Bestätige, dass du es bist",
        .signs_out_one = "Der Knopf unten meldet dieses Gerät ab:",
        .signs_out_these = "Der Knopf unten meldet diese Geräte ab:",
        .signs_out_some = "Der Knopf unten meldet Geräte deines Kontos ab.",
        .and_more = {"und ", " weitere"},
        .account = "Konto:",
        .server = "Server:",
        .password = "Passwort",
        .registration_token = "Registrierungs-Token",
        .terms = "Bitte lies:",
        .agree = "Ich habe sie gelesen und stimme zu.",
        .button = "Abmelden",
        .wrong_password = "Das Passwort ist falsch. Versuche es noch einmal.",
        .wrong_token = "Das Registrierungs-Token ist ungültig. Versuche ein anderes.",
        .not_accepted = "Das wurde nicht angenommen. Versuche es noch einmal.",
        .other_account = "Das gehört zu einem anderen Konto. Nimm dein eigenes.",
        .empty_field = "Fülle das Formular aus.",
        .too_many = {"Zu viele Versuche. Sekunden bis zum nächsten: ", "."},
        .done_title = "Danke",
        .done = "Dieser Schritt ist getan. Du kannst dieses Fenster schließen und zur Anwendung "
                "zurückkehren.",
        .failed_title = "Das hat nicht geklappt",
        .gone = "Diese Seite ist abgelaufen, oder ihr Link ist falsch. Kehre zur Anwendung zurück "
                "und beginne noch einmal.",
        .forged = "Dieses Formular kam nicht von seiner eigenen Seite. Kehre zur Anwendung zurück "
                  "und beginne noch einmal.",
        .too_large = "Das Formular ist zu groß.",
        .busy = "Der Server ist überlastet oder hält an. Versuche es später noch einmal.",
        .failed = "Im Server ist ein Fehler aufgetreten. Der Grund steht in seinem Protokoll; sage "
                  "es den Betreibern.",
    },
    {
        .language = "fr",
        .title = "Confirmez que c’est bien vous",
        .signs_out_one = "Le bouton ci-dessous déconnecte cet appareil :",
        .signs_out_these = "Le bouton ci-dessous déconnecte ces appareils :",
        .signs_out_some = "Le bouton ci-dessous déconnecte des appareils de votre compte.",
        .and_more = {"et ", " de plus"},
        .account = "Compte :",
        .server = "Serveur :",
        .password = "Mot de passe",
        .registration_token = "Jeton d’inscription",
        .terms = "Veuillez lire :",
        .agree = "Je les ai lus et je les accepte.",
        .button = "Déconnecter",
        .wrong_password = "Le mot de passe est incorrect. Réessayez.",
        .wrong_token = "Le jeton d’inscription n’est pas valable. Essayez-en un autre.",
        .not_accepted = "Cela n’a pas été accepté. Réessayez.",
        .other_account = "Cela appartient à un autre compte. Utilisez le vôtre.",
        .empty_field = "Remplissez le formulaire.",
        .too_many = {"Trop de tentatives. Secondes à attendre avant la prochaine : ", "."},
        .done_title = "Merci",
        .done = "Cette étape est terminée. Vous pouvez fermer cette fenêtre et revenir à "
                "l’application.",
        .failed_title = "Cela n’a pas fonctionné",
        .gone = "Cette page a expiré, ou son lien est incorrect. Revenez à l’application et "
                "recommencez.",
        .forged = "Ce formulaire n’a pas été envoyé depuis sa propre page. Revenez à l’application "
                  "et recommencez.",
        .too_large = "Le formulaire est trop grand.",
        .busy = "Le serveur est occupé ou s’arrête. Réessayez plus tard.",
        .failed = "Le serveur a rencontré une erreur. Son journal en donne la raison ; prévenez "
                  "son administrateur.",
    },
};

absl::string_view absl_view(std::string_view text) {
  return {text.data(), text.size()};
}

// The first language of the header and its weight, from 0 to 1; takes both off it.
struct Choice {
  absl::string_view range;
  float weight = 1;
};

Choice take_choice(std::string_view& header) {
  const auto end = std::min(header.find(','), header.size());
  const auto element = header.substr(0, end);
  header.remove_prefix(std::min(end + 1, header.size()));
  const auto semicolon = std::min(element.find(';'), element.size());
  Choice choice;
  choice.range = absl::StripAsciiWhitespace(absl_view(element.substr(0, semicolon)));
  const auto parameter = absl::StripAsciiWhitespace(
      absl_view(element.substr(std::min(semicolon + 1, element.size()))));
  if (absl::StartsWithIgnoreCase(parameter, "q=") &&
      !absl::SimpleAtof(parameter.substr(2), &choice.weight)) {
    choice.weight = 0;
  }
  return choice;
}

// "de" and "de-CH", not "den".
bool is_in(absl::string_view range, const PageTexts& texts) {
  const auto language = absl_view(texts.language);
  return absl::StartsWithIgnoreCase(range, language) &&
         (range.size() == language.size() || range[language.size()] == '-');
}

}  // namespace

const PageTexts& choose_texts(std::string_view accept_language) noexcept {
  const PageTexts* best = &kTexts[0];
  float best_weight = 0;
  while (!accept_language.empty()) {
    const Choice choice = take_choice(accept_language);
    if (!(choice.weight > best_weight)) continue;
    for (const auto& texts : kTexts) {
      if (!is_in(choice.range, texts)) continue;
      best = &texts;
      best_weight = choice.weight;
    }
  }
  return *best;
}

}  // namespace mxd::auth
