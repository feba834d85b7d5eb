// As programs for Windows are written that have sockets of their own beside WinHTTP: Winsock's
// headers before windows.h, a certificate store that is looked for, C++17.
//
//   winsock_first HOST PORT [secure [insecure]]
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <WinError.h>
#include <WinSock2.h>
#include <Windows.h>
#include <Ws2tcpip.h>
#include <wincrypt.h>

#include <winhttp.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <system_error>

#ifdef _MSC_VER
#pragma comment(lib, "winhttp.lib")
#endif

namespace {

[[noreturn]] void Throw(const char* what, DWORD error = GetLastError()) {
  throw std::system_error(static_cast<int>(error), std::generic_category(), what);
}

std::wstring Widen(const std::string& text) {
  std::wstring wide(text.size(), L'\0');
  const int size = MultiByteToWideChar(CP_UTF8, 0, text.c_str(), static_cast<int>(text.size()),
                                       &wide[0], static_cast<int>(wide.size()));
  wide.resize(static_cast<size_t>(std::max(size, 0)));
  return wide;
}

PCCERT_CONTEXT FindClientCertificate() {
  HCERTSTORE store = CertOpenSystemStoreW(0, L"MY");
  if (store == nullptr) return nullptr;
  PCCERT_CONTEXT found = CertFindCertificateInStore(store, X509_ASN_ENCODING, 0,
                                                    CERT_FIND_SUBJECT_STR, L"client", nullptr);
  CertCloseStore(store, 0);
  return found;
}

struct Session {
  HINTERNET handle =
      WinHttpOpen(L"winsock_first", WINHTTP_ACCESS_TYPE_NO_PROXY, nullptr, nullptr, 0);
  ~Session() { WinHttpCloseHandle(handle); }
};

void Run(const std::string& host, const std::string& port, bool secure, bool insecure) {
  const Session session;
  HINTERNET connection = WinHttpConnect(session.handle, Widen(host).c_str(),
                                        static_cast<INTERNET_PORT>(std::stoi(port)), 0);
  if (connection == nullptr) Throw("WinHttpConnect");
  HINTERNET request = WinHttpOpenRequest(connection, L"GET", L"/", nullptr, nullptr, nullptr,
                                         secure ? WINHTTP_FLAG_SECURE : 0);
  if (PCCERT_CONTEXT certificate = FindClientCertificate()) {
    WinHttpSetOption(request, WINHTTP_OPTION_CLIENT_CERT_CONTEXT,
                     const_cast<CERT_CONTEXT*>(certificate), sizeof(CERT_CONTEXT));
    CertFreeCertificateContext(certificate);
  } else {
    WinHttpSetOption(request, WINHTTP_OPTION_CLIENT_CERT_CONTEXT, WINHTTP_NO_CLIENT_CERT_CONTEXT,
                     0);
  }
  DWORD flags = SECURITY_FLAG_IGNORE_ALL_CERT_ERRORS;
  if (insecure) WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof flags);
  if (!WinHttpSetOption(request, WINHTTP_OPTION_UPGRADE_TO_WEB_SOCKET, nullptr, 0) ||
      !WinHttpSendRequest(request, nullptr, 0, nullptr, 0, 0, 0) ||
      !WinHttpReceiveResponse(request, nullptr)) {
    Throw("the handshake");
  }
  HINTERNET socket = WinHttpWebSocketCompleteUpgrade(request, 0);
  if (socket == nullptr) Throw("WinHttpWebSocketCompleteUpgrade");
  WinHttpCloseHandle(request);
  std::string text = "hello from winsock_first";
  std::string answer(text.size() * 2, '\0');
  DWORD read = 0;
  WINHTTP_WEB_SOCKET_BUFFER_TYPE type{};
  if (DWORD error = WinHttpWebSocketSend(socket, WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE,
                                         &text[0], static_cast<DWORD>(text.size()))) {
    Throw("send", error);
  }
  if (DWORD error = WinHttpWebSocketReceive(socket, &answer[0], static_cast<DWORD>(answer.size()),
                                            &read, &type)) {
    Throw("receive", error);
  }
  std::printf("got %s\n", answer.substr(0, read).c_str());
  if (DWORD error = WinHttpWebSocketClose(socket, 1000, nullptr, 0)) Throw("close", error);
  WinHttpCloseHandle(socket);
  WinHttpCloseHandle(connection);
}

}  // namespace

int main(int argc, char* argv[]) {
  WSADATA data;
  if (argc < 3 || WSAStartup(MAKEWORD(2, 2), &data) != 0) return 2;
  const SOCKET listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (listener == INVALID_SOCKET) return WSAGetLastError();
  closesocket(listener);
  int result = 0;
  try {
    Run(argv[1], argv[2], argc > 3, argc > 4);
  } catch (const std::exception& failed) {
    std::printf("failed: %s\n", failed.what());
    result = 1;
  }
  WSACleanup();
  return result;
}
