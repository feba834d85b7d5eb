// The interlocked operations. MSDN: each is a full memory barrier.
#include "ringdown/win32.h"

LONG InterlockedIncrement(LONG volatile* target) {
  return __atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST);
}

LONG InterlockedDecrement(LONG volatile* target) {
  return __atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST);
}

LONG InterlockedExchange(LONG volatile* target, LONG value) {
  return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);
}

LONG InterlockedExchangeAdd(LONG volatile* target, LONG value) {
  return __atomic_fetch_add(target, value, __ATOMIC_SEQ_CST);
}

LONG InterlockedCompareExchange(LONG volatile* target, LONG value, LONG comparand) {
  __atomic_compare_exchange_n(target, &comparand, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return comparand;
}

LONG InterlockedAnd(LONG volatile* target, LONG value) {
  return __atomic_fetch_and(target, value, __ATOMIC_SEQ_CST);
}

LONG InterlockedOr(LONG volatile* target, LONG value) {
  return __atomic_fetch_or(target, value, __ATOMIC_SEQ_CST);
}

LONG InterlockedXor(LONG volatile* target, LONG value) {
  return __atomic_fetch_xor(target, value, __ATOMIC_SEQ_CST);
}

LONG64 InterlockedIncrement64(LONG64 volatile* target) {
  return __atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST);
}

LONG64 InterlockedDecrement64(LONG64 volatile* target) {
  return __atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST);
}

LONG64 InterlockedExchange64(LONG64 volatile* target, LONG64 value) {
  return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);
}

LONG64 InterlockedExchangeAdd64(LONG64 volatile* target, LONG64 value) {
  return __atomic_fetch_add(target, value, __ATOMIC_SEQ_CST);
}

LONG64 InterlockedCompareExchange64(LONG64 volatile* target, LONG64 value, LONG64 comparand) {
  __atomic_compare_exchange_n(target, &comparand, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return comparand;
}

PVOID InterlockedExchangePointer(PVOID volatile* target, PVOID value) {
  return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);
}

PVOID InterlockedCompareExchangePointer(PVOID volatile* target, PVOID value, PVOID comparand) {
  __atomic_compare_exchange_n(target, &comparand, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return comparand;
}
