// List: a doubly linked list whose links lie in its elements, so that it never allocates, and an
// element leaves without being looked for. An element derives from ListNode once for each kind of
// list that it may be in, told apart by tags:
//
//   class Query : public ListNode<Query> { ... };             List<Query> waiting;
//   class Seat : public ListNode<Seat, struct ByAge> { ... };  List<Seat, struct ByAge> by_age;
//
// An element that is destroyed leaves its list; a list that is destroyed lets go of its elements
// and destroys none. Who owns a list guards it: a lock, or the loop's thread.
#pragma once

namespace creche {

// The part that all lists share: a ring through the list itself.
class ListLink {
 public:
  ListLink() noexcept = default;
  ~ListLink() { Unlink(); }
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;

 protected:
  bool linked() const noexcept { return next_ != nullptr; }
  void Unlink() noexcept {
    if (!next_) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 private:
  template <class T, class Tag>
  friend class List;
  void LinkBefore(ListLink* place) noexcept {
    next_ = place;
    prev_ = place->prev_;
    prev_->next_ = place->prev_ = this;
  }
  ListLink* next_ = nullptr;  // null: in no list
  ListLink* prev_ = nullptr;
};

template <class T, class Tag = void>
class ListNode : public ListLink {};

template <class T, class Tag = void>
class List {
  using Node = ListNode<T, Tag>;

 public:
  List() noexcept { head_.next_ = head_.prev_ = &head_; }
  ~List() {
    while (PopFront()) continue;
    head_.next_ = nullptr;
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const noexcept { return head_.next_ == &head_; }
  // Null if empty, and behind the ends.
  T* first() const noexcept { return At(head_.next_); }
  T* last() const noexcept { return At(head_.prev_); }
  T* Next(const T* element) const noexcept { return At(LinkOf(element)->next_); }
  T* Prev(const T* element) const noexcept { return At(LinkOf(element)->prev_); }

  // element: in no list of this tag.
  void PushBack(T* element) noexcept { LinkOf(element)->LinkBefore(&head_); }
  void PushFront(T* element) noexcept { LinkOf(element)->LinkBefore(head_.next_); }
  // place: an element of this list.
  void InsertBefore(T* place, T* element) noexcept { LinkOf(element)->LinkBefore(LinkOf(place)); }
  // Null if empty.
  T* PopFront() noexcept {
    T* element = first();
    if (element) Remove(element);
    return element;
  }
  // Everything that `other` has goes behind what is here.
  void Append(List* other) noexcept {
    while (T* element = other->PopFront()) PushBack(element);
  }
  // From the list of this tag that it is in, if any.
  static void Remove(T* element) noexcept { LinkOf(element)->Unlink(); }
  static bool Has(const T* element) noexcept { return LinkOf(element)->linked(); }

 private:
  // Of this list's tag, whatever other lists the element may be in.
  static ListLink* LinkOf(const T* element) noexcept {
    return const_cast<Node*>(static_cast<const Node*>(element));
  }
  T* At(ListLink* link) const noexcept {
    return link == &head_ ? nullptr : static_cast<T*>(static_cast<Node*>(link));
  }
  mutable ListLink head_;
};

}  // namespace creche
