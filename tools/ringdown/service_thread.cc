// Runs a server on its thread: see the header.
#include "service_thread.h"

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "arguments.h"
#include "environment.h"
#include "listen_address.h"

namespace ringdown::program {

namespace {

std::unique_ptr<Service> make_service(const ServiceOptions& options, Reactor& reactor,
                                      ServiceCounts& counts, ReleaseHub& hub) {
  switch (options.mode) {
    case ServeMode::echo:
      return std::make_unique<EchoService>(reactor, options.answer_delay, counts);
    case ServeMode::push:
      return std::make_unique<PushService>(reactor, options.answer_delay, counts, hub);
    case ServeMode::sink:
      return std::make_unique<SinkService>(reactor, options.answer_delay, counts);
  }
  return nullptr;
}

DrainPlan end_now() {
  DrainPlan plan;
  plan.deadline = Clock::now();
  return plan;
}

}  // namespace

ServiceThread::ServiceThread(const ServiceOptions& options, std::vector<SocketAddress> addresses,
                             ReleaseHub& hub, Bell& bell)
    : options_(options), addresses_(std::move(addresses)), hub_(hub), bell_(bell) {
  if (options_.mode == ServeMode::push || options_.answer_delay.count() > 0) {
    options_.server.websocket.answer_close = AnswerClose::application;
    options_.server.websocket.answer_timeout = std::chrono::milliseconds(0);
  }
  if (options_.mode == ServeMode::push) options_.server.websocket.send_queue_max = push_queue_max;
  thread_ = std::thread([this] { body(); });
  try {
    listening_.get_future().get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

ServiceThread::~ServiceThread() {
  if (!drain_asked_) drain(end_now());
  thread_.join();
}

void ServiceThread::body() {
  try {
    Reactor reactor;
    pools_fixed_ = reactor.statistics().pool_bytes;
    const std::unique_ptr<Service> service = make_service(options_, reactor, counts_, hub_);
    if (options_.logs_failed_upgrades) service->log_failed_upgrades();
    serve(reactor, *service);
  } catch (...) {
    listening_.set_exception(std::current_exception());
  }
  finished_.store(true, std::memory_order_release);
  bell_.ring();
}

void ServiceThread::serve(Reactor& reactor, Service& service) {
  Server server(reactor, service, options_.server);
  std::string problem;
  std::size_t listening = 0;
  for (SocketAddress& address : addresses_) {
    const Server::ListenResult result = server.listen(address);
    if (result.error) {
      problem = "--listen: " + address.to_string() + ": " + std::string(result.error.message());
      problem += cure(result.error, address);
      break;
    }
    address = result.address;
    ++listening;
  }
  if (problem.empty()) {
    reactor_ = &reactor;
    service_ = &service;
    server_ = &server;
    listening_.set_value();
    return work(reactor, service, server);
  }
  if (listening > 0) {
    // What listens already is ended as any server is.
    (void)server.drain(end_now());
    work(reactor, service, server);
  }
  throw UsageError(problem);
}

// Who made this thread waits for no exception any more.
void ServiceThread::work(Reactor& reactor, Service& service, const Server& server) noexcept {
  reactor.run();
  service.retire();
  reactor.run_ready();
  tally_ = server.tally();
  statistics_ = reactor.statistics();
}

void ServiceThread::drain(const DrainPlan& plan) {
  drain_asked_ = true;
  drain_plan_ = plan;
  reactor_->post(drain_task_);
}

void ServiceThread::on_drain() {
  service_->start_draining();
  (void)server_->drain(drain_plan_);
}

std::chrono::nanoseconds ServiceThread::processor_time() {
  return thread_time(thread_.native_handle()).value_or(std::chrono::nanoseconds(0));
}

}  // namespace ringdown::program
