#include <pybind11/stl.h>

#include "bindings/python/core/bind.h"
#include "bindings/python/core/engine.h"
#include "bindings/python/core/gil.h"
#include "bindings/python/core/library.h"
#include "bindings/python/core/store.h"
#include "bindings/python/core/text.h"

namespace mxd::python {
namespace {

std::unique_ptr<Engine> make_engine(const Library& library, const py::bytes& config,
                                    std::shared_ptr<Store> store, bool put_device,
                                    bool mark_validated, bool take_limit, bool clock) {
  return std::make_unique<Engine>(library.module(), text(bytes_view(config)),
                                  Engine::Options{.put_device = put_device,
                                                  .mark_validated = mark_validated,
                                                  .take_limit = take_limit,
                                                  .clock = clock},
                                  std::move(store));
}

// What the module is told of the time before it goes on; none: the system's clock counts.
using Now = std::optional<int64_t>;

void tell_time(Engine& engine, Now now_ms) {
  if (now_ms) engine.set_now(*now_ms);
}

// The exchange, or None: not one of the module's routes. Throws Error for any other refusal.
py::object begin(Engine& engine, Now now_ms, py::handle method, py::handle target,
                 py::handle headers, py::handle body, py::handle remote_addr, bool body_too_large) {
  tell_time(engine, now_ms);
  WireText wire;
  const auto header_list = py::reinterpret_steal<py::object>(
      PySequence_Fast(headers.ptr(), "the headers of a request must be a sequence of pairs"));
  if (!header_list) throw py::error_already_set();
  const auto count = static_cast<size_t>(PySequence_Fast_GET_SIZE(header_list.ptr()));
  wire.reserve(2 * count + 4);
  std::vector<mxd_header> views;
  views.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const auto pair = py::reinterpret_borrow<py::sequence>(
        PySequence_Fast_GET_ITEM(header_list.ptr(), static_cast<Py_ssize_t>(i)));
    const bool is_text = PyUnicode_Check(pair.ptr()) || PyBytes_Check(pair.ptr());
    if (is_text || !PySequence_Check(pair.ptr()) || pair.size() != 2) {
      throw py::type_error("a header of a request is not a pair of name and value");
    }
    const py::object name = pair[0];
    const py::object value = pair[1];
    views.push_back({wire.view(name), wire.view(value)});
  }
  auto request = make<mxd_request>();
  request.flags = body_too_large ? MXD_REQUEST_BODY_TOO_LARGE : 0;
  request.headers = views.data();
  request.header_count = views.size();
  request.method = wire.view(method);
  request.target = wire.view(target);
  request.body = wire.view(body);
  request.remote_addr = wire.view(remote_addr);

  std::shared_ptr<Exchange> exchange;
  const auto handle = [&] { return engine.begin(request, &exchange); };
  const int32_t status = engine.has_store() ? without_gil(handle) : handle();
  if (status == MXD_OK) return py::cast(std::move(exchange));
  if (status == MXD_NOT_MINE) return py::none();
  throw Error(status, "the module did not take the request");
}

// Whether there are lines for the log: one call from Python instead of three.
bool complete(Engine& engine, Now now_ms, mxd_op op, int32_t status, bool is_long) {
  tell_time(engine, now_ms);
  const auto complete = [&] { return engine.module()->complete(op, status); };
  if (is_long) {
    without_gil(complete);
  } else {
    complete();
  }
  return !engine.log().empty();
}

py::list routes(const Engine& engine) {
  py::list routes;
  for (const mxd_route& route : engine.routes()) {
    routes.append(py::make_tuple(to_str(route.methods), to_str(route.path)));
  }
  return routes;
}

py::list drain_log(Engine& engine) {
  py::list lines;
  for (const LogQueue::Line& line : engine.log().drain()) {
    lines.append(py::make_tuple(line.level, to_str(line.message)));
  }
  return lines;
}

}  // namespace

void bind_engine(py::module_& core) {
  py::class_<Engine>(core, "Engine")
      .def(py::init(&make_engine), py::arg("library"), py::arg("config"), py::arg("store"),
           py::kw_only(), py::arg("put_device"), py::arg("mark_validated"), py::arg("take_limit"),
           py::arg("clock"))
      .def("begin", &begin)
      .def("complete", &complete)
      .def("match",
           [](const Engine& engine, py::handle method, py::handle target) {
             WireText wire;
             return engine.match(wire.view(method), wire.view(target));
           })
      .def("cancel",
           [](Engine& engine, Now now_ms, mxd_request_token request) {
             tell_time(engine, now_ms);
             return without_gil([&] { return engine.module()->cancel(request); });
           })
      .def("shut_down", [](Engine& engine) { without_gil([&] { engine.shut_down(); }); })
      .def("notify_closed", &Engine::notify_closed)
      .def(
          "close",
          [](Engine& engine, int64_t timeout_ms) {
            return without_gil([&] { return engine.close(std::chrono::milliseconds(timeout_ms)); });
          })
      .def("abandon", [](Engine& engine) { without_gil([&] { engine.abandon(); }); })
      .def("forget", &Engine::forget)
      .def_property_readonly("is_usable", &Engine::is_usable)
      .def_property_readonly("max_body_bytes", &Engine::max_body_bytes)
      .def("routes", &routes)
      .def("has_log", [](Engine& engine) { return !engine.log().empty(); })
      .def("drain_log", &drain_log);
}

}  // namespace mxd::python
