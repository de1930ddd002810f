// Whoever sits at the terminal: questions on standard error, answers on standard input.
#pragma once

#include <csignal>
#include <string>

namespace mxd::server {

// Threads that are started meanwhile get no signals: those come to this one.
class SignalsAreMine {
 public:
  SignalsAreMine();
  ~SignalsAreMine();
  SignalsAreMine(const SignalsAreMine&) = delete;
  SignalsAreMine& operator=(const SignalsAreMine&) = delete;

 private:
  sigset_t before_;
};

// The next line of standard input, without its end; what is left at the end of the input.
std::string read_line();

// A line that is typed and not shown. The terminal is as it was afterwards, also where a signal
// ends or stops the process.
std::string ask_hidden(const std::string& prompt);

// Before what can't be undone. Throws Failure where it was not confirmed: nobody is at the
// terminal, or who is has not said yes.
void confirm(bool is_confirmed, const std::string& question);

}  // namespace mxd::server
