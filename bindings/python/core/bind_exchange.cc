#include <pybind11/stl.h>

#include "bindings/python/core/bind.h"
#include "bindings/python/core/exchange.h"
#include "bindings/python/core/gil.h"
#include "bindings/python/core/questions.h"
#include "bindings/python/core/text.h"

namespace mxd::python {
namespace {

py::object take(Exchange& exchange) {
  const std::optional<Question> question = exchange.take();
  if (!question) return py::none();
  return to_tuple(*question);
}

py::object response(const Exchange& exchange) {
  const Response* const response = exchange.response();
  if (response == nullptr) return py::none();
  py::tuple headers(response->headers.size());
  for (size_t i = 0; i < response->headers.size(); ++i) {
    const auto& [name, value] = response->headers[i];
    headers[i] = py::make_tuple(to_str(name), to_str(value));
  }
  return py::make_tuple(response->http_status, headers, py::bytes(response->body));
}

}  // namespace

void bind_exchange(py::module_& core) {
  py::class_<Wakeup, std::shared_ptr<Wakeup>>(core, "Wakeup")
      .def(py::init())
      .def("fileno", &Wakeup::file_descriptor)
      .def("drain", &Wakeup::drain);

  py::class_<Exchange, std::shared_ptr<Exchange>>(core, "Exchange")
      .def("take", &take)
      .def("response", &response)
      .def("wait",
           [](Exchange& exchange, int64_t timeout_ms) {
             return without_gil(
                 [&] { return exchange.wait(std::chrono::milliseconds(timeout_ms)); });
           })
      .def("notify", &Exchange::notify, py::arg("wakeup"), py::arg("key"))
      .def("token", [](const Exchange& exchange) { return exchange.token; });
}

}  // namespace mxd::python
