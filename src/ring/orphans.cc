#include "ring/orphans.h"

namespace ringdown {

Orphan::~Orphan() {
  if (previous_ == nullptr) return;
  *previous_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

void Orphans::keep(Orphan& orphan) noexcept {
  orphan.next_ = first_;
  orphan.previous_ = &first_;
  if (first_ != nullptr) first_->previous_ = &orphan.next_;
  first_ = &orphan;
}

void Orphans::cancel() {
  for (Orphan* orphan = first_; orphan != nullptr; orphan = orphan->next_) orphan->cancel();
}

void Orphans::abandon() noexcept {
  for (Orphan* orphan = first_; orphan != nullptr; orphan = orphan->next_) orphan->abandon();
}

void Orphans::end() {
  while (first_ != nullptr) {
    Orphan& orphan = *first_;
    first_ = orphan.next_;
    if (first_ != nullptr) first_->previous_ = &first_;
    orphan.previous_ = nullptr;
    orphan.on_rings_gone();
  }
}

}  // namespace ringdown
