# usage: perl probe.pl listen PORT | connect ADDRESS PORT COUNT | time FILE PROGRAM [ARGUMENT...]
# Uses no module: in a kernel node there is the interpreter alone. System call 228 is clock_gettime on x86-64, and its
# clock 1 is the monotonic one.
# connect: opens COUNT TCP connections, one after the other, and prints how many microseconds each took to be set up.
# time: runs a program with FILE as its standard input and prints how many microseconds passed until it ended.
sub now {
  my $time = "\0" x 16;
  syscall(228, 1, $time);
  my ($seconds, $nanoseconds) = unpack('qq', $time);
  return $seconds * 1e6 + $nanoseconds / 1e3;
}
my ($verb, @rest) = @ARGV;

if ($verb eq 'listen') {
  socket(my $server, 2, 1, 6) or die "socket: $!";
  setsockopt($server, 1, 2, pack('i', 1)); # SO_REUSEADDR
  bind($server, pack('S n N x8', 2, $rest[0], 0)) or die "bind: $!";
  listen($server, 4096) or die "listen: $!";
  fcntl($server, 4, 2048); # O_NONBLOCK
  # The kernel answers by itself. Connections are only taken off the queue, some times a second: a process that wakes up
  # for each one would be measured, too.
  while (1) {
    1 while accept(my $connection, $server);
    select(undef, undef, undef, 0.05);
  }
}

if ($verb eq 'connect') {
  my ($address, $port, $count) = @rest;
  my $target = pack('S n C4 x8', 2, $port, split(/\./, $address));
  my @took;
  for (1 .. $count) {
    socket(my $client, 2, 1, 6) or die "socket: $!";
    # SO_LINGER: closes by a reset, so that no connection waits for its end and fills the kernel's tables.
    setsockopt($client, 1, 13, pack('ii', 1, 0));
    my $start = now();
    connect($client, $target) or die "connect to $address:$port: $!";
    push @took, now() - $start;
    close $client;
  }
  printf "%.1f\n", $_ for @took;
}

if ($verb eq 'time') {
  my ($file, @command) = @rest;
  my $start = now();
  my $child = fork();
  if ($child == 0) {
    open(STDIN, '<', $file) or die "$file: $!";
    open(STDOUT, '>', '/dev/null');
    exec(@command) or die "$command[0]: $!";
  }
  waitpid($child, 0);
  my $took = now() - $start;
  die "@command failed\n" if $?;
  printf "%.1f\n", $took;
}
