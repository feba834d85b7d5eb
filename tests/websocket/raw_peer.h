// A peer that does what the test tells it, and nothing else: an ordinary socket driven by system
// calls, raw bytes, and frames that may break every rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "ringdown/close_status.h"
#include "ringdown/socket_address.h"

namespace ringdown {

// First bytes of frames (RFC 6455 5.2): FIN and the opcode.
inline constexpr unsigned fin_bit = 0x80;
inline constexpr unsigned text_frame = 0x81;
inline constexpr unsigned binary_frame = 0x82;
inline constexpr unsigned close_frame = 0x88;
inline constexpr unsigned ping_frame = 0x89;
inline constexpr unsigned pong_frame = 0x8A;

// A frame as `from` has to send it: a client's is masked, lengths are minimal.
std::string frame(Role from, unsigned first_byte, std::string_view payload);
// Sec-WebSocket-Accept for a key.
std::string accept_for(std::string_view key);
std::string close_payload(CloseStatus status, std::string_view reason = {});

// A frame as it came.
struct RawFrame {
  unsigned first_byte = 0;
  bool masked = false;
  std::string payload;  // unmasked

  CloseStatus status() const;  // of a Close frame; `none`: it was empty
  std::string reason() const;
};

// What a raw peer speaks below WebSocket, where that is not plain bytes.
class RawLayer {
 public:
  virtual ~RawLayer() = default;
  virtual void write(std::string_view plain) = 0;  // kept while the layer is being set up
  virtual void end() = 0;                          // its marker, behind everything written
  virtual std::string take_output() = 0;           // for the wire
  virtual std::string read(std::string_view wire) = 0;
  virtual bool ended() const = 0;  // the other side's marker came
};
// nullptr in a program of plain tests.
inline std::function<std::unique_ptr<RawLayer>(Role)> make_raw_layer;
// Raw peers send one byte at a time.
inline bool trickling = false;

class RawPeer {
 public:
  RawPeer(UniqueFd socket, Role role);
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  // Connects, at once or after a moment: loopback.
  static UniqueFd connect(const SocketAddress& address);

  // Queued; `turn` sends what the socket takes.
  void write(std::string_view bytes);
  void send(unsigned first_byte, std::string_view payload = {});  // as its role has to
  void send_close(CloseStatus status = CloseStatus::normal, std::string_view reason = {});
  void send_fin();       // behind everything written, and behind the layer's marker
  void send_bare_fin();  // without that
  void send_marker();    // that alone
  bool close_was_sent() const { return close_sent_; }  // by send_close
  // With a layer a client answers the server's end, once both have sent Close; or it does not.
  void never_answer_end() { answers_end_ = false; }
  // Of what is written next, with a layer: its last byte is changed; only so much of it goes out.
  void spoil_next_write() { spoils_ = true; }
  void cut_next_write(std::size_t size) { cut_at_ = size; }
  void reset();  // RST, now
  void close();  // close(2), now: RST if something is unread
  void pause_reading() { reading_ = false; }
  void resume_reading() { reading_ = true; }

  // Sends and reads what can be; the test's pump calls it.
  void turn();

  // The head of the opening handshake as it came, once it is whole; the frames behind it.
  bool has_head() const { return head_.has_value(); }
  const std::string& head() const { return *head_; }
  std::string field(std::string_view name) const;  // of the head; empty: none
  const std::vector<RawFrame>& frames() const { return frames_; }
  std::vector<std::string> payloads(unsigned first_byte) const;
  const RawFrame* close_received() const;  // the Close frame, or null
  bool ended() const { return ended_; }    // FIN came
  bool layer_ended() const { return layer_ && layer_->ended(); }
  bool was_reset() const { return was_reset_; }
  std::size_t bytes_received() const { return bytes_received_; }
  bool all_written() const { return unsent_.empty(); }
  int descriptor() const { return socket_.get(); }

  // As a client: the request of an upgrade. As a server: the 101 to the request that came.
  void request_upgrade(std::string_view extra_fields = {});
  void answer_upgrade(std::string_view extra_fields = {});

 private:
  void flush();
  void read();
  void look_for_reset();
  void parse();

  UniqueFd socket_;
  Role role_;
  std::unique_ptr<RawLayer> layer_;
  bool close_sent_ = false;
  bool answers_end_ = true;
  bool spoils_ = false;
  std::optional<std::size_t> cut_at_;
  std::string unsent_;
  std::string input_;
  std::optional<std::string> head_;
  std::vector<RawFrame> frames_;
  std::size_t bytes_received_ = 0;
  bool reading_ = true;
  bool fin_wanted_ = false;
  bool ended_ = false;
  bool was_reset_ = false;
};

}  // namespace ringdown
