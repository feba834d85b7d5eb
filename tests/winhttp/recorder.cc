#include "recorder.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <utility>

#include <gtest/gtest.h>

namespace ringdown::winhttp_test {

namespace {

std::atomic<Recorder*> current = nullptr;

template <class T>
T read(const void* information) {
  T value;
  std::memcpy(&value, information, sizeof value);
  return value;
}

const std::map<DWORD, std::string> names_of_statuses = {
    {WINHTTP_CALLBACK_STATUS_RESOLVING_NAME, "RESOLVING_NAME"},
    {WINHTTP_CALLBACK_STATUS_NAME_RESOLVED, "NAME_RESOLVED"},
    {WINHTTP_CALLBACK_STATUS_CONNECTING_TO_SERVER, "CONNECTING_TO_SERVER"},
    {WINHTTP_CALLBACK_STATUS_CONNECTED_TO_SERVER, "CONNECTED_TO_SERVER"},
    {WINHTTP_CALLBACK_STATUS_SENDING_REQUEST, "SENDING_REQUEST"},
    {WINHTTP_CALLBACK_STATUS_REQUEST_SENT, "REQUEST_SENT"},
    {WINHTTP_CALLBACK_STATUS_RECEIVING_RESPONSE, "RECEIVING_RESPONSE"},
    {WINHTTP_CALLBACK_STATUS_RESPONSE_RECEIVED, "RESPONSE_RECEIVED"},
    {WINHTTP_CALLBACK_STATUS_CLOSING_CONNECTION, "CLOSING_CONNECTION"},
    {WINHTTP_CALLBACK_STATUS_CONNECTION_CLOSED, "CONNECTION_CLOSED"},
    {WINHTTP_CALLBACK_STATUS_HANDLE_CREATED, "HANDLE_CREATED"},
    {WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING, "HANDLE_CLOSING"},
    {WINHTTP_CALLBACK_STATUS_REDIRECT, "REDIRECT"},
    {WINHTTP_CALLBACK_STATUS_SECURE_FAILURE, "SECURE_FAILURE"},
    {WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE, "HEADERS_AVAILABLE"},
    {WINHTTP_CALLBACK_STATUS_DATA_AVAILABLE, "DATA_AVAILABLE"},
    {WINHTTP_CALLBACK_STATUS_READ_COMPLETE, "READ_COMPLETE"},
    {WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE, "WRITE_COMPLETE"},
    {WINHTTP_CALLBACK_STATUS_REQUEST_ERROR, "REQUEST_ERROR"},
    {WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE, "SENDREQUEST_COMPLETE"},
    {WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE, "CLOSE_COMPLETE"},
    {WINHTTP_CALLBACK_STATUS_SHUTDOWN_COMPLETE, "SHUTDOWN_COMPLETE"},
};

Notice make_notice(HINTERNET handle, DWORD_PTR context, DWORD status, LPVOID information,
                   DWORD size) {
  Notice notice{.handle = handle,
                .context = context,
                .status = status,
                .has_information = information != nullptr,
                .size = size,
                .about = nullptr,
                .text = {},
                .operation = std::nullopt,
                .thread = std::this_thread::get_id()};
  switch (status) {
    case WINHTTP_CALLBACK_STATUS_HANDLE_CREATED:
    case WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING:
      EXPECT_EQ(size, sizeof(HINTERNET));
      notice.about = read<HINTERNET>(information);
      break;
    case WINHTTP_CALLBACK_STATUS_READ_COMPLETE:
    case WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE:
      if (size == sizeof(WINHTTP_WEB_SOCKET_STATUS)) {
        const auto done = read<WINHTTP_WEB_SOCKET_STATUS>(information);
        notice.bytes = done.dwBytesTransferred;
        notice.type = static_cast<DWORD>(done.eBufferType);
      }
      break;
    case WINHTTP_CALLBACK_STATUS_SECURE_FAILURE: notice.flags = read<DWORD>(information); break;
    case WINHTTP_CALLBACK_STATUS_REDIRECT:
      notice.text = static_cast<const wchar_t*>(information);
      break;
    case WINHTTP_CALLBACK_STATUS_REQUEST_ERROR: {
      const auto failed = read<WINHTTP_ASYNC_RESULT>(information);
      notice.result = failed.dwResult;
      notice.error = failed.dwError;
      if (size == sizeof(WINHTTP_WEB_SOCKET_ASYNC_RESULT)) {
        notice.operation =
            static_cast<DWORD>(read<WINHTTP_WEB_SOCKET_ASYNC_RESULT>(information).Operation);
      }
      break;
    }
    default: break;
  }
  return notice;
}

}  // namespace

std::string name(const Notice& notice) {
  static const char* const operations[] = {"SEND", "RECEIVE", "CLOSE", "SHUTDOWN"};
  const auto found = names_of_statuses.find(notice.status);
  std::string text =
      found == names_of_statuses.end() ? std::to_string(notice.status) : found->second;
  if (notice.operation) text += std::string("(") + operations[*notice.operation & 3] + ")";
  return text;
}

std::optional<DWORD> completed_operation(const Notice& notice) {
  switch (notice.status) {
    case WINHTTP_CALLBACK_STATUS_WRITE_COMPLETE: return WINHTTP_WEB_SOCKET_SEND_OPERATION;
    case WINHTTP_CALLBACK_STATUS_READ_COMPLETE: return WINHTTP_WEB_SOCKET_RECEIVE_OPERATION;
    case WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE: return WINHTTP_WEB_SOCKET_CLOSE_OPERATION;
    case WINHTTP_CALLBACK_STATUS_SHUTDOWN_COMPLETE: return WINHTTP_WEB_SOCKET_SHUTDOWN_OPERATION;
    default: return notice.operation;
  }
}

bool is_completion(const Notice& notice) {
  constexpr DWORD completions = WINHTTP_CALLBACK_FLAG_ALL_COMPLETIONS |
                                WINHTTP_CALLBACK_STATUS_CLOSE_COMPLETE |
                                WINHTTP_CALLBACK_STATUS_SHUTDOWN_COMPLETE;
  return (notice.status & completions) != 0;
}

Recorder::Recorder() { current = this; }

Recorder::~Recorder() { current = nullptr; }

void CALLBACK Recorder::callback(HINTERNET handle, DWORD_PTR context, DWORD status,
                                 LPVOID information, DWORD size) {
  Recorder* const recorder = current;
  ASSERT_NE(recorder, nullptr) << "a callback behind the test: " << status;
  recorder->record(make_notice(handle, context, status, information, size));
}

void Recorder::record(const Notice& notice) {
  std::function<void(const Notice&)> reaction;
  {
    const std::lock_guard lock(mutex_);
    notices_.push_back(notice);
    taken_.push_back(false);
    reaction = reaction_;
    recorded_.notify_all();
  }
  if (reaction) reaction(notice);
}

Notice Recorder::take(const Holds& holds) {
  std::unique_lock lock(mutex_);
  std::size_t found = 0;
  const bool came = recorded_.wait_for(lock, std::chrono::seconds(60), [&] {
    for (found = 0; found < notices_.size(); ++found) {
      if (!taken_[found] && holds(notices_[found])) return true;
    }
    return false;
  });
  if (!came) {
    std::string came_instead;
    for (const Notice& notice : notices_) came_instead += ' ' + name(notice);
    ADD_FAILURE() << "no such notification among" << came_instead;
    return {};
  }
  taken_[found] = true;
  return notices_[found];
}

Notice Recorder::take(DWORD status) {
  return take([status](const Notice& notice) { return notice.status == status; });
}

Notice Recorder::take_completion(DWORD operation) {
  return take([operation](const Notice& n) { return completed_operation(n) == operation; });
}

std::vector<Notice> Recorder::all() const {
  const std::lock_guard lock(mutex_);
  return notices_;
}

std::size_t Recorder::count(const Holds& holds) const {
  std::size_t count = 0;
  for (const Notice& notice : all()) count += holds(notice) ? 1U : 0U;
  return count;
}

std::vector<std::string> Recorder::names(HINTERNET handle) const {
  std::vector<std::string> names;
  for (const Notice& notice : all()) {
    if (handle == nullptr || notice.handle == handle) names.push_back(name(notice));
  }
  return names;
}

void Recorder::react(std::function<void(const Notice&)> reaction) {
  const std::lock_guard lock(mutex_);
  reaction_ = std::move(reaction);
}

}  // namespace ringdown::winhttp_test
