// What the program prints, and where its results go: readers who stand still, signals that are
// heard all the same, files that keep what they had.
#include "output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "arguments.h"
#include "program_fixture.h"
#include "result_file.h"
#include "waiting.h"

namespace ringdown::program {
namespace {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  int write_end() const { return ends_[1]; }
  // All up to a line that ends with `end`.
  std::string read_until(const std::string& end) const {
    std::string text;
    std::array<char, 4096> bytes;
    while (!text.ends_with(end + '\n')) {
      const ssize_t size = read(ends_[0], bytes.data(), bytes.size());
      if (size <= 0) break;
      text.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(Output, KeepsTheOrderAndSaysWhatWasLost) {
  const Pipe pipe;
  fcntl(pipe.write_end(), F_SETPIPE_SZ, 4096);
  Output output(pipe.write_end());
  const std::string line(1000, 'x');
  // Far more than the pipe and the queue hold: nobody reads.
  const std::uint64_t offered = 2 * Output::waiting_max / line.size();
  for (std::uint64_t number = 0; number < offered; ++number) output.offer(line);
  const std::uint64_t lost = output.lines_lost();
  EXPECT_GT(lost, offered / 4);
  EXPECT_LT(lost, offered);
  EXPECT_FALSE(output.outcome());
  EXPECT_EQ(output.finish(std::chrono::milliseconds(1)), Error(ETIMEDOUT));
  output.offer_latest("never seen");
  output.put("not lost\n");
  const std::string text = pipe.read_until("not lost");
  EXPECT_EQ(text.size(), (offered - lost) * (line.size() + 1) + 9);
  EXPECT_EQ(output.finish(std::chrono::seconds(60)), Error());
  output.offer("after all");
  EXPECT_EQ(pipe.read_until("lost)"),
            "after all (" + std::to_string(lost) + " lines before it are lost)\n");
  EXPECT_EQ(output.lines_lost(), lost);
}

TEST(Output, SaysThatWritingFailed) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  Output output(full);
  output.put("x\n");
  EXPECT_EQ(output.finish(std::chrono::seconds(60)), Error(ENOSPC));
  EXPECT_EQ(output.outcome(), Error(ENOSPC));
  close(full);
}

// --- signals ---

[[noreturn]] void stand_still() {
  for (;;) sleep(1);
}

TEST(MainWait, TheFirstSignalEndsWhatHasNotBegun) {
  const auto begin = [] {
    Bell bell;
    const MainWait wait(bell);
    kill(getpid(), SIGTERM);
    stand_still();  // as in a name lookup
  };
  EXPECT_EXIT(begin(), testing::KilledBySignal(SIGTERM), "");
}

TEST(MainWait, TheSecondSignalEndsWhoStandsStill) {
  const auto run = [] {
    Bell bell;
    MainWait wait(bell);
    wait.catch_first();
    kill(getpid(), SIGINT);
    while (!wait.is_stop_asked()) wait.wait(std::chrono::seconds(1));
    kill(getpid(), SIGTERM);
    stand_still();
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGTERM), "");
}

TEST(MainWait, TakesALimitThatHasPassedForNone) {
  const auto wait_in_vain = [] {
    Bell bell;
    MainWait wait(bell);
    wait.wait(std::chrono::milliseconds(-5));
    _exit(0);
  };
  EXPECT_EXIT(wait_in_vain(), testing::ExitedWithCode(0), "");
}

TEST(StalledLog, KeepsNoServerFromDraining) {
  RunningProgram server({"serve", "--listen", "127.0.0.1:0"}, Stalled::error);
  EXPECT_NE(server.next_line(), "");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_NE(server.out().find("served 0 connections"), std::string::npos);
}

TEST(StalledLog, KeepsNoStormFromItsEnd) {
  const JsonFile file;
  RunningProgram program({"storm", "--connections", "5", "--json", file.path()}, Stalled::error);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_EQ(file.read().at("clean"), 5);
}

TEST(StalledReport, IsWaitedForUntilTheSecondSignal) {
  const JsonFile file;
  RunningProgram program({"storm", "--connections", "5", "--quiet", "--json", file.path()},
                         Stalled::out);
  // The JSON is whole before anything is printed.
  while (!file.read().is_object()) std::this_thread::yield();
  EXPECT_EQ(file.read().at("clean"), 5);
  program.signal(SIGINT);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), -SIGTERM);
}

TEST(FailedOutput, IsNamedAndIsTheExitStatusOfEachCommand) {
  const struct {
    Arguments arguments;
    int status;
  } commands[] = {{{"--help"}, 2},
                  {{"--version"}, 2},
                  {{"serve", "--help"}, 2},
                  {{"doctor"}, 2},
                  {{"doctor", "--json", "-"}, 2},
                  {{"storm", "--connections", "5", "--quiet"}, 1},
                  {{"storm", "--connections", "5", "--quiet", "--json", "-"}, 1},
                  {{"serve", "--quiet", "--listen", "127.0.0.1:0"}, 2}};
  for (const auto& [arguments, status] : commands) {
    RunningProgram program(arguments, Stalled::out_fails);
    EXPECT_EQ(program.wait(), status) << arguments.front();
    EXPECT_NE(program.error_out().find("standard output: "), std::string::npos)
        << arguments.front() << ": " << program.error_out();
    EXPECT_NE(program.error_out().find("No space left on device"), std::string::npos);
  }
}

// --- results ---

const nlohmann::ordered_json result = {{"schema", 1}};
const std::string result_text = "{\n\"schema\": 1\n}\n";

class Directory {
 public:
  Directory() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + '/' + name; }
  std::size_t files() const {
    const std::filesystem::directory_iterator all(path_);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

 private:
  std::string path_ = testing::TempDir() + "ringdown-XXXXXX";
};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ResultFile, KeepsWhatWasThereUntilTheNewOneIsWhole) {
  const Directory directory;
  const std::string path = directory.file("result");
  std::ofstream(path) << "old";
  chmod(path.c_str(), 0640);
  symlink("result", directory.file("link").c_str());
  ResultFile file(directory.file("link"));
  EXPECT_EQ(text_of(path), "old");
  EXPECT_EQ(directory.files(), 2U);
  const std::ifstream reader(path);
  EXPECT_TRUE(file.write("storm", result));
  EXPECT_EQ(text_of(path), result_text);
  struct stat after {};
  EXPECT_EQ(lstat(path.c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 07777, 0640U);
  EXPECT_EQ(directory.files(), 2U);
  // Who had it open reads on what was there.
  std::ostringstream old;
  old << reader.rdbuf();
  EXPECT_EQ(old.str(), "old");
}

TEST(ResultFile, IsMadeAtTheEndOnly) {
  const Directory directory;
  ResultFile file(directory.file("result"));
  EXPECT_EQ(directory.files(), 0U);
  EXPECT_TRUE(file.write("storm", result));
  EXPECT_EQ(text_of(directory.file("result")), result_text);
}

TEST(ResultFile, WithTwoNamesKeepsBoth) {
  const Directory directory;
  std::ofstream(directory.file("one")) << "longer than what is written over it";
  EXPECT_EQ(link(directory.file("one").c_str(), directory.file("two").c_str()), 0);
  ResultFile file(directory.file("one"));
  EXPECT_TRUE(file.write("storm", result));
  EXPECT_EQ(text_of(directory.file("two")), result_text);
}

TEST(ResultFile, GoesToAPipe) {
  const Directory directory;
  EXPECT_EQ(mkfifo(directory.file("fifo").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = text_of(directory.file("fifo")); });
  EXPECT_TRUE(ResultFile(directory.file("fifo")).write("storm", result));
  reader.join();
  EXPECT_EQ(read, result_text);
}

TEST(ResultFile, IsRefusedBeforeTheRun) {
  const Directory directory;
  EXPECT_THROW(ResultFile(directory.file("")), UsageError);
  EXPECT_THROW(ResultFile(directory.file("nowhere/result")), UsageError);
  EXPECT_TRUE(ResultFile("").write("storm", result));
}

TEST(ResultFile, OutlivesARefusedRunAndAReaderWhoLeaves) {
  const JsonFile file;
  std::ofstream(file.path()) << "[1]";
  EXPECT_EQ(run_program({"storm", "--connections", "9999999", "--json", file.path()}).status, 2);
  EXPECT_EQ(file.read(), Json::parse("[1]"));
  RunningProgram program({"storm", "--connections", "5", "--quiet", "--json", file.path()});
  program.stop_reading();
  EXPECT_EQ(program.wait(), 1);
  EXPECT_NE(program.error_out().find("standard output: writing failed: Broken pipe"),
            std::string::npos);
  EXPECT_EQ(file.read().at("clean"), 5);
}

}  // namespace
}  // namespace ringdown::program
