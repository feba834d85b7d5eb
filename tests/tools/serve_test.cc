// `ringdown serve` on real sockets: how it answers, drains, and lets go.
#include "program_fixture.h"
#include "silent_client.h"

namespace ringdown::program {
namespace {

TEST(Serve, EndsWhatIsLeftAtTheEndOfTheDrainAndSaysSo) {
  Serving server({"--drain-timeout", "0.2"});
  const SilentClient client(server.address());
  EXPECT_EQ(server.drain(), 1);
  EXPECT_NE(server.out().find("served 1 connections: 0 clean, 0 aborted, 1 timed out"),
            std::string::npos)
      << server.out();
}

TEST(Serve, EndsAtOnceAtTheSecondSignal) {
  Serving server({"--drain-timeout", "3600", "--close-timeout", "3600"});
  const SilentClient client(server.address());
  server.signal(SIGTERM);
  client.wait_for_close();
  EXPECT_EQ(server.drain(), -SIGTERM);
}

TEST(Serve, AnswersClosesAsLateAsItWasTold) {
  Serving server({"--answer-delay", "0.2"});
  int status = -1;
  const Json json =
      storm({server.url(), "--connections", "5", "--pattern", "client-first"}, status);
  EXPECT_EQ(status, 0);
  EXPECT_GE(json.at("latency_us").at("close").at("p50"), 200'000);
  EXPECT_EQ(server.drain(), 0);
}

TEST(Serve, HoldsOnToWhoSentFinWithoutClose) {
  Serving server({"--hold-eof", "3600"});
  const SilentClient client(server.address());
  // RFC 6455 5.2: a text frame of one byte, with a mask of zeros.
  client.send_and_end(std::string("\x81\x81\0\0\0\0x", 7));
  for (const int expected : {0x81, 1, int{'x'}}) EXPECT_EQ(client.read_byte(), expected);
  // It is open still: the drain finds it, and closes it.
  server.signal(SIGTERM);
  client.wait_for_close();
}

TEST(Serve, AbortsWhoIsIdle) {
  Serving server({"--idle-timeout", "0.1"});
  const SilentClient client(server.address());
  client.wait_for_reset();
  EXPECT_EQ(server.drain(), 0);
}

TEST(Serve, WritesItsTally) {
  const JsonFile file;
  Serving server({"--mode", "sink", "--json", file.path()});
  EXPECT_EQ(run_program({"storm", server.url(), "--connections", "7", "--quiet"}).status, 0);
  EXPECT_EQ(server.drain(), 0);
  const Json json = file.read();
  EXPECT_EQ(json.at("mode"), "sink");
  EXPECT_EQ(json.at("out_of_memory"), 0);
  EXPECT_EQ(json.at("opened"), 8);  // and the control connection
  EXPECT_EQ(json.at("clean"), 8);
}

TEST(Serve, ServesOnUnixSockets) {
  RunningProgram program({"serve", "--quiet", "--listen", "unix:@ringdown-program-test"});
  EXPECT_EQ(program.next_line(), "listening on unix:@ringdown-program-test (echo)");
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 0);
}

TEST(Serve, LeavesNoNameOfItsUnixSocketBehind) {
  const std::string path = testing::TempDir() + "ringdown-" + std::to_string(getpid());
  for (int round = 0; round < 2; ++round) {
    RunningProgram program({"serve", "--quiet", "--listen", "unix:" + path});
    EXPECT_EQ(program.next_line(), "listening on unix:" + path + " (echo)");
    EXPECT_EQ(access(path.c_str(), F_OK), 0);
    program.signal(SIGTERM);
    EXPECT_EQ(program.wait(), 0);
    EXPECT_NE(access(path.c_str(), F_OK), 0);
  }
}

TEST(Serve, SaysWhatIsInTheWayOfAUnixSocket) {
  const std::string path = testing::TempDir() + "ringdown-in-the-way-" + std::to_string(getpid());
  const auto expect_refusal = [](const std::string& name, const std::string& why) {
    const ProgramResult result = run_program({"serve", "--quiet", "--listen", "unix:" + name});
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.error_out,
              "ringdown: --listen: unix:" + name + ": Address already in use: " + why + '\n');
  };
  std::ofstream(path) << "kept";
  expect_refusal(path, "it is a file, and no socket: take another path");
  ASSERT_EQ(unlink(path.c_str()), 0) << "it is left alone";
  ASSERT_EQ(symlink("nowhere", path.c_str()), 0);
  expect_refusal(path, "it is a symbolic link: take another path");
  ASSERT_EQ(unlink(path.c_str()), 0);
  expect_refusal("/tmp", "it is a directory: add the name of a file in it");
  expect_refusal("/dev/null", "it is no socket: take another path");

  Serving server({}, "unix:" + path);
  expect_refusal(path,
                 "a program listens there, or one that was killed has left the file: remove it");
  EXPECT_EQ(server.drain(), 0);
  const std::string abstract = "@ringdown-in-the-way-" + std::to_string(getpid());
  const Serving other({}, "unix:" + abstract);
  expect_refusal(abstract, "another program listens there: end it, or take another name");
}

// Started while the last one drained, in the place of its file.
TEST(Serve, LeavesTheNameOfItsSuccessorAlone) {
  const std::string path = testing::TempDir() + "ringdown-successor-" + std::to_string(getpid());
  RunningProgram first({"serve", "--quiet", "--listen", "unix:" + path});
  EXPECT_EQ(first.next_line(), "listening on unix:" + path + " (echo)");
  ASSERT_EQ(unlink(path.c_str()), 0);
  RunningProgram second({"serve", "--quiet", "--listen", "unix:" + path});
  EXPECT_EQ(second.next_line(), "listening on unix:" + path + " (echo)");
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait(), 0);
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST(Serve, SaysHowManyItsMemoryAllows) {
  RunningProgram program({"serve", "--listen", "127.0.0.1:0"});
  EXPECT_NE(program.next_error_line().find("connections, as memory allows (--max-connections)"),
            std::string::npos);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
}

TEST(Serve, OfSeveralThreadsSaysToo) {
  const Serving server({"--threads", "2"});
  const ProgramResult second =
      run_program({"serve", "--listen", server.address(), "--threads", "2"});
  EXPECT_EQ(second.status, 2);
  EXPECT_NE(second.error_out.find("take another port"), std::string::npos) << second.error_out;
}

TEST(Serve, SaysThatItsPortIsAnothers) {
  const Serving server({});
  const ProgramResult second = run_program({"serve", "--listen", server.address()});
  EXPECT_EQ(second.status, 2);
  EXPECT_NE(second.error_out.find("take another port"), std::string::npos) << second.error_out;
}

TEST(Serve, SaysThatItCouldNotWrite) {
  Serving server({"--json", "/dev/full"});
  EXPECT_EQ(server.drain(), 1);
  EXPECT_NE(server.error_out().find("--json: /dev/full: writing failed"), std::string::npos);
}

}  // namespace
}  // namespace ringdown::program
