// WinHttpQueryHeaders: which header an info level names, and its value as text.
#include <algorithm>
#include <iterator>

#include "winhttp/request.h"

namespace ringdown::winhttp {
namespace {

struct NamedHeader {
  DWORD attribute;
  std::string_view name;
};

constexpr NamedHeader headers[] = {
    {WINHTTP_QUERY_MIME_VERSION, "MIME-Version"},
    {WINHTTP_QUERY_CONTENT_TYPE, "Content-Type"},
    {WINHTTP_QUERY_CONTENT_TRANSFER_ENCODING, "Content-Transfer-Encoding"},
    {WINHTTP_QUERY_CONTENT_LENGTH, "Content-Length"},
    {WINHTTP_QUERY_CONTENT_LANGUAGE, "Content-Language"},
    {WINHTTP_QUERY_ALLOW, "Allow"},
    {WINHTTP_QUERY_DATE, "Date"},
    {WINHTTP_QUERY_EXPIRES, "Expires"},
    {WINHTTP_QUERY_LAST_MODIFIED, "Last-Modified"},
    {WINHTTP_QUERY_PRAGMA, "Pragma"},
    {WINHTTP_QUERY_CONNECTION, "Connection"},
    {WINHTTP_QUERY_ACCEPT, "Accept"},
    {WINHTTP_QUERY_ACCEPT_CHARSET, "Accept-Charset"},
    {WINHTTP_QUERY_ACCEPT_ENCODING, "Accept-Encoding"},
    {WINHTTP_QUERY_ACCEPT_LANGUAGE, "Accept-Language"},
    {WINHTTP_QUERY_AUTHORIZATION, "Authorization"},
    {WINHTTP_QUERY_CONTENT_ENCODING, "Content-Encoding"},
    {WINHTTP_QUERY_FORWARDED, "Forwarded"},
    {WINHTTP_QUERY_FROM, "From"},
    {WINHTTP_QUERY_IF_MODIFIED_SINCE, "If-Modified-Since"},
    {WINHTTP_QUERY_LOCATION, "Location"},
    {WINHTTP_QUERY_REFERER, "Referer"},
    {WINHTTP_QUERY_RETRY_AFTER, "Retry-After"},
    {WINHTTP_QUERY_SERVER, "Server"},
    {WINHTTP_QUERY_USER_AGENT, "User-Agent"},
    {WINHTTP_QUERY_WWW_AUTHENTICATE, "WWW-Authenticate"},
    {WINHTTP_QUERY_PROXY_AUTHENTICATE, "Proxy-Authenticate"},
    {WINHTTP_QUERY_ACCEPT_RANGES, "Accept-Ranges"},
    {WINHTTP_QUERY_SET_COOKIE, "Set-Cookie"},
    {WINHTTP_QUERY_COOKIE, "Cookie"},
    {WINHTTP_QUERY_REFRESH, "Refresh"},
    {WINHTTP_QUERY_AGE, "Age"},
    {WINHTTP_QUERY_CACHE_CONTROL, "Cache-Control"},
    {WINHTTP_QUERY_CONTENT_LOCATION, "Content-Location"},
    {WINHTTP_QUERY_CONTENT_MD5, "Content-MD5"},
    {WINHTTP_QUERY_CONTENT_RANGE, "Content-Range"},
    {WINHTTP_QUERY_ETAG, "ETag"},
    {WINHTTP_QUERY_HOST, "Host"},
    {WINHTTP_QUERY_IF_MATCH, "If-Match"},
    {WINHTTP_QUERY_IF_NONE_MATCH, "If-None-Match"},
    {WINHTTP_QUERY_IF_RANGE, "If-Range"},
    {WINHTTP_QUERY_IF_UNMODIFIED_SINCE, "If-Unmodified-Since"},
    {WINHTTP_QUERY_MAX_FORWARDS, "Max-Forwards"},
    {WINHTTP_QUERY_PROXY_AUTHORIZATION, "Proxy-Authorization"},
    {WINHTTP_QUERY_RANGE, "Range"},
    {WINHTTP_QUERY_TRANSFER_ENCODING, "Transfer-Encoding"},
    {WINHTTP_QUERY_UPGRADE, "Upgrade"},
    {WINHTTP_QUERY_VARY, "Vary"},
    {WINHTTP_QUERY_VIA, "Via"},
    {WINHTTP_QUERY_WARNING, "Warning"},
    {WINHTTP_QUERY_EXPECT, "Expect"},
};

// Empty: none.
std::string_view name_of(DWORD attribute, std::string_view custom) {
  if (attribute == WINHTTP_QUERY_CUSTOM) return custom;
  const auto found = std::ranges::find(headers, attribute, &NamedHeader::attribute);
  return found == std::end(headers) ? std::string_view() : found->name;
}

// Each line of a head with a NUL instead of its CRLF.
std::string separated_by_nul(std::string_view head) {
  std::string out;
  for (std::size_t at = 0; at < head.size(); ++at) {
    if (head[at] == '\r') continue;
    out += head[at] == '\n' ? '\0' : head[at];
  }
  return out;
}

}  // namespace

DWORD Request::query_header(DWORD info_level, std::string_view name, DWORD* index,
                            std::string& text) {
  constexpr DWORD modifiers = WINHTTP_QUERY_FLAG_REQUEST_HEADERS | WINHTTP_QUERY_FLAG_SYSTEMTIME |
                              WINHTTP_QUERY_FLAG_NUMBER | WINHTTP_QUERY_FLAG_NUMBER64;
  if ((info_level & WINHTTP_QUERY_FLAG_SYSTEMTIME) != 0) return ERROR_NOT_SUPPORTED;
  const DWORD attribute = info_level & ~modifiers;
  const Lock lock(mutex_);
  const bool of_request = (info_level & WINHTTP_QUERY_FLAG_REQUEST_HEADERS) != 0;
  if (of_request || attribute == WINHTTP_QUERY_REQUEST_METHOD) {
    return query_request(attribute, name, index, text);
  }
  if (phase_ != Phase::answered && phase_ != Phase::upgraded) {
    return ERROR_WINHTTP_INCORRECT_HANDLE_STATE;
  }
  return query_response(attribute, name, index, text);
}

DWORD Request::query_request(DWORD attribute, std::string_view name, DWORD* index,
                             std::string& text) {
  if (attribute == WINHTTP_QUERY_REQUEST_METHOD) {
    text = verb_;
    return ERROR_SUCCESS;
  }
  const FieldList& fields = phase_ == Phase::idle ? fields_ : sent_fields_;
  if (attribute == WINHTTP_QUERY_RAW_HEADERS_CRLF || attribute == WINHTTP_QUERY_RAW_HEADERS) {
    text = verb_ + " " + destination_.target + " HTTP/1.1\r\n";
    for (const Field& field : fields.all()) text += field.name + ": " + field.value + "\r\n";
    text += "\r\n";
    if (attribute == WINHTTP_QUERY_RAW_HEADERS) text = separated_by_nul(text);
    return ERROR_SUCCESS;
  }
  const std::string_view wanted = name_of(attribute, name);
  if (wanted.empty()) return ERROR_WINHTTP_INVALID_QUERY_REQUEST;
  const Field* field = fields.find(wanted, index == nullptr ? 0 : *index);
  if (field == nullptr) return ERROR_WINHTTP_HEADER_NOT_FOUND;
  text = field->value;
  if (index != nullptr) ++*index;
  return ERROR_SUCCESS;
}

DWORD Request::query_response(DWORD attribute, std::string_view name, DWORD* index,
                              std::string& text) {
  switch (attribute) {
    case WINHTTP_QUERY_STATUS_CODE: text = std::to_string(response_->status()); return 0;
    case WINHTTP_QUERY_STATUS_TEXT: text = response_->reason(); return 0;
    case WINHTTP_QUERY_VERSION: text = response_->version(); return 0;
    case WINHTTP_QUERY_RAW_HEADERS_CRLF: text = response_->head(); return 0;
    case WINHTTP_QUERY_RAW_HEADERS: text = separated_by_nul(response_->head()); return 0;
    default: break;
  }
  const std::string_view wanted = name_of(attribute, name);
  if (wanted.empty()) return ERROR_WINHTTP_INVALID_QUERY_REQUEST;
  DWORD left = index == nullptr ? 0 : *index;
  for (const protocol::HeaderField& field : response_->fields().all()) {
    if (!protocol::equal_ignoring_case(field.name, wanted) || left-- != 0) continue;
    text = field.value;
    if (index != nullptr) ++*index;
    return ERROR_SUCCESS;
  }
  return ERROR_WINHTTP_HEADER_NOT_FOUND;
}

}  // namespace ringdown::winhttp
