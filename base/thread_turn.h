// How soon a thread gets a processor beside the other threads of its process. Linux; takes no
// privilege, and changes nothing where the kernel does not know the setting.
//
// Since Linux 6.6 a thread that runs keeps its processor for its slice, 2.8 ms by default, whoever
// wakes up meanwhile and however nice it is. Since 6.12 a thread may ask for another slice.
#ifndef FISCAL_BASE_THREAD_TURN_H_
#define FISCAL_BASE_THREAD_TURN_H_

namespace fiscal {

// The calling thread does long work that others need not wait for: a thread that wakes up for a
// small answer, a commit or a connection runs before it.
void StepBack();

// The calling thread does a little at a time, and somebody waits for it: it runs as soon as it
// wakes up.
void RunSoon();

// As RunSoon, for a thread that must not wait whatever the others do: before all of them, where the
// process may ask for that (RLIMIT_RTPRIO or CAP_SYS_NICE). Threads it starts do not inherit it.
void RunFirst();

}  // namespace fiscal

#endif  // FISCAL_BASE_THREAD_TURN_H_
