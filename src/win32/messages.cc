#include "win32/messages.h"

#include <algorithm>
#include <iterator>

#include "ringdown/winhttp_constants.h"

namespace ringdown::win32 {
namespace {

struct Message {
  DWORD error;
  std::string_view text;
};

// In the order of their numbers.
constexpr Message of_system[] = {
    {ERROR_SUCCESS, "The operation succeeded."},
    {ERROR_INVALID_FUNCTION, "The function is not valid here."},
    {ERROR_FILE_NOT_FOUND, "The file was not found."},
    {ERROR_PATH_NOT_FOUND, "The path was not found."},
    {ERROR_TOO_MANY_OPEN_FILES, "Too many files are open."},
    {ERROR_ACCESS_DENIED, "Access is denied."},
    {ERROR_INVALID_HANDLE, "The handle is not valid."},
    {ERROR_NOT_ENOUGH_MEMORY, "There is not enough memory."},
    {ERROR_BAD_FORMAT, "The format is wrong."},
    {ERROR_INVALID_DATA, "The data is not valid."},
    {ERROR_OUTOFMEMORY, "The memory is used up."},
    {ERROR_NOT_READY, "The device is not ready."},
    {ERROR_BAD_LENGTH, "The length is wrong for this command."},
    {ERROR_WRITE_FAULT, "The device could not be written to."},
    {ERROR_READ_FAULT, "The device could not be read from."},
    {ERROR_GEN_FAILURE, "The device does not work."},
    {ERROR_SHARING_VIOLATION, "Another process uses the file."},
    {ERROR_HANDLE_EOF, "The end of the file was reached."},
    {ERROR_NOT_SUPPORTED, "The request is not supported."},
    {ERROR_BAD_NETPATH, "The path in the network was not found."},
    {ERROR_NETNAME_DELETED, "The name in the network is gone."},
    {ERROR_FILE_EXISTS, "The file is there already."},
    {ERROR_INVALID_PARAMETER, "A parameter is wrong."},
    {ERROR_BROKEN_PIPE, "The other end of the pipe is closed."},
    {ERROR_BUFFER_OVERFLOW, "The file's name is too long."},
    {ERROR_CALL_NOT_IMPLEMENTED, "The call is not implemented on this system."},
    {ERROR_SEM_TIMEOUT, "The time for the semaphore is over."},
    {ERROR_INSUFFICIENT_BUFFER, "The buffer is too small."},
    {ERROR_INVALID_NAME, "The name is not valid."},
    {ERROR_MOD_NOT_FOUND, "The module was not found."},
    {ERROR_PROC_NOT_FOUND, "The procedure was not found."},
    {ERROR_BAD_PATHNAME, "The path is not valid."},
    {ERROR_BUSY, "The resource is in use."},
    {ERROR_ALREADY_EXISTS, "It is there already."},
    {ERROR_ENVVAR_NOT_FOUND, "The variable of the environment was not found."},
    {ERROR_NO_DATA, "The pipe is being closed."},
    {ERROR_PIPE_NOT_CONNECTED, "No process is at the other end of the pipe."},
    {ERROR_MORE_DATA, "There is more data."},
    {ERROR_NO_WORK_DONE, "There was nothing to do."},
    {WAIT_TIMEOUT, "The time of the wait is over."},
    {ERROR_NO_MORE_ITEMS, "There are no more items."},
    {ERROR_NOT_OWNER, "The caller does not own it."},
    {ERROR_MR_MID_NOT_FOUND, "There is no message of that number."},
    {ERROR_ARITHMETIC_OVERFLOW, "The result does not fit."},
    {ERROR_UNHANDLED_EXCEPTION, "Nobody handled the exception."},
    {ERROR_OPERATION_ABORTED, "The operation was aborted."},
    {ERROR_IO_INCOMPLETE, "The operation is not complete."},
    {ERROR_IO_PENDING, "The operation goes on in the background."},
    {ERROR_CAN_NOT_COMPLETE, "The function cannot be completed."},
    {ERROR_INVALID_FLAGS, "The flags are not valid."},
    {ERROR_NO_TOKEN, "There is no such token."},
    {ERROR_NO_UNICODE_TRANSLATION, "The text has no form in the other encoding."},
    {ERROR_DLL_INIT_FAILED, "The module could not be initialized."},
    {ERROR_IO_DEVICE, "The device had an error."},
    {ERROR_NOT_FOUND, "It was not found."},
    {ERROR_CANCELLED, "The user cancelled the operation."},
    {ERROR_CONNECTION_REFUSED, "The other computer refused the connection."},
    {ERROR_GRACEFUL_DISCONNECT, "The connection was closed gracefully."},
    {ERROR_CONNECTION_INVALID, "There is no such connection."},
    {ERROR_NETWORK_UNREACHABLE, "The network cannot be reached."},
    {ERROR_HOST_UNREACHABLE, "The other computer cannot be reached."},
    {ERROR_PROTOCOL_UNREACHABLE, "The other computer does not have the protocol."},
    {ERROR_PORT_UNREACHABLE, "Nobody listens at the port."},
    {ERROR_REQUEST_ABORTED, "The request was aborted."},
    {ERROR_CONNECTION_ABORTED, "This system aborted the connection."},
    {ERROR_RETRY, "The operation should be tried again."},
    {ERROR_INCORRECT_ADDRESS, "The address is wrong."},
    {ERROR_INTERNAL_ERROR, "An error happened inside of the system."},
    {ERROR_TIMEOUT, "The time is over."},
    {ERROR_RESOURCE_LANG_NOT_FOUND, "There is nothing in that language."},
    {ERROR_INVALID_OPERATION, "The operation is not valid now."},
    {ERROR_INVALID_STATE, "The state is wrong for the operation."},
};

constexpr Message of_winhttp[] = {
    {ERROR_WINHTTP_OUT_OF_HANDLES, "There are too many handles."},
    {ERROR_WINHTTP_TIMEOUT, "The operation took too long."},
    {ERROR_WINHTTP_INTERNAL_ERROR, "An error happened inside of WinHTTP."},
    {ERROR_WINHTTP_INVALID_URL, "The URL is not valid."},
    {ERROR_WINHTTP_UNRECOGNIZED_SCHEME, "The URL's scheme is neither http nor https."},
    {ERROR_WINHTTP_NAME_NOT_RESOLVED, "The server's name or address could not be resolved."},
    {ERROR_WINHTTP_INVALID_OPTION, "There is no such option."},
    {ERROR_WINHTTP_OPTION_NOT_SETTABLE, "The option can only be queried."},
    {ERROR_WINHTTP_SHUTDOWN, "WinHTTP is being shut down."},
    {ERROR_WINHTTP_LOGIN_FAILURE, "The server refused the credentials."},
    {ERROR_WINHTTP_OPERATION_CANCELLED, "The operation was cancelled."},
    {ERROR_WINHTTP_INCORRECT_HANDLE_TYPE, "The handle is of the wrong type for this call."},
    {ERROR_WINHTTP_INCORRECT_HANDLE_STATE, "The handle is in the wrong state for this call."},
    {ERROR_WINHTTP_CANNOT_CONNECT, "A connection to the server could not be made."},
    {ERROR_WINHTTP_CONNECTION_ERROR, "The connection to the server was lost."},
    {ERROR_WINHTTP_RESEND_REQUEST, "The request has to be sent again."},
    {ERROR_WINHTTP_SECURE_CERT_DATE_INVALID, "The certificate's time is over, or to come."},
    {ERROR_WINHTTP_SECURE_CERT_CN_INVALID, "The certificate is for another host."},
    {ERROR_WINHTTP_CLIENT_AUTH_CERT_NEEDED, "The server asks for a client certificate."},
    {ERROR_WINHTTP_SECURE_INVALID_CA, "The certificate's issuer is not trusted."},
    {ERROR_WINHTTP_SECURE_CERT_REV_FAILED, "It is not known whether the certificate is revoked."},
    {ERROR_WINHTTP_CANNOT_CALL_BEFORE_OPEN, "The call comes before the request is opened."},
    {ERROR_WINHTTP_CANNOT_CALL_BEFORE_SEND, "The call comes before the request is sent."},
    {ERROR_WINHTTP_CANNOT_CALL_AFTER_SEND, "The call comes after the request was sent."},
    {ERROR_WINHTTP_CANNOT_CALL_AFTER_OPEN, "The call comes after the request was opened."},
    {ERROR_WINHTTP_HEADER_NOT_FOUND, "There is no such header."},
    {ERROR_WINHTTP_INVALID_SERVER_RESPONSE, "The server's answer is not valid."},
    {ERROR_WINHTTP_INVALID_HEADER, "The header is not valid."},
    {ERROR_WINHTTP_INVALID_QUERY_REQUEST, "The headers cannot be asked for that."},
    {ERROR_WINHTTP_HEADER_ALREADY_EXISTS, "The header is there already."},
    {ERROR_WINHTTP_REDIRECT_FAILED, "The redirection could not be followed."},
    {ERROR_WINHTTP_SECURE_CHANNEL_ERROR, "The secure channel could not be set up."},
    {ERROR_WINHTTP_BAD_AUTO_PROXY_SCRIPT, "The script for the proxy has an error."},
    {ERROR_WINHTTP_UNABLE_TO_DOWNLOAD_SCRIPT, "The script for the proxy could not be fetched."},
    {ERROR_WINHTTP_SECURE_INVALID_CERT, "The certificate is not valid."},
    {ERROR_WINHTTP_SECURE_CERT_REVOKED, "The certificate is revoked."},
    {ERROR_WINHTTP_NOT_INITIALIZED, "WinHTTP is not initialized."},
    {ERROR_WINHTTP_SECURE_FAILURE, "The server's certificate was refused."},
    {ERROR_WINHTTP_AUTO_PROXY_SERVICE_ERROR, "The proxy could not be looked for."},
    {ERROR_WINHTTP_SECURE_CERT_WRONG_USAGE, "The certificate is for another purpose."},
    {ERROR_WINHTTP_AUTODETECTION_FAILED, "No settings for a proxy were found in the network."},
    {ERROR_WINHTTP_HEADER_COUNT_EXCEEDED, "The answer has too many headers."},
    {ERROR_WINHTTP_HEADER_SIZE_OVERFLOW, "The answer's headers are too large."},
    {ERROR_WINHTTP_CHUNKED_ENCODING_HEADER_SIZE_OVERFLOW, "A chunk's header is too large."},
    {ERROR_WINHTTP_RESPONSE_DRAIN_OVERFLOW, "The rest of the answer is too large."},
    {ERROR_WINHTTP_CLIENT_CERT_NO_PRIVATE_KEY, "The client certificate has no private key."},
    {ERROR_WINHTTP_CLIENT_CERT_NO_ACCESS_PRIVATE_KEY, "The private key may not be used."},
};

template <std::size_t Size>
constexpr bool is_ordered(const Message (&messages)[Size]) {
  return std::ranges::adjacent_find(messages, std::ranges::greater_equal{}, &Message::error) ==
         std::end(messages);
}
static_assert(is_ordered(of_system) && is_ordered(of_winhttp));

template <std::size_t Size>
std::string_view find(const Message (&messages)[Size], DWORD error) noexcept {
  const auto* const found = std::ranges::lower_bound(messages, error, {}, &Message::error);
  return found != std::end(messages) && found->error == error ? found->text : std::string_view();
}

}  // namespace

std::string_view system_message(DWORD error) noexcept {
  // HRESULT_FROM_WIN32: the error is what is in it.
  constexpr DWORD of_win32 = 0x80070000;
  return find(of_system, (error & 0xFFFF0000) == of_win32 ? error & 0xFFFF : error);
}

std::string_view winhttp_message(DWORD error) noexcept { return find(of_winhttp, error); }

}  // namespace ringdown::win32
