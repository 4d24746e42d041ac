// Where the lives of local variables end when a suspended coroutine is destroyed.
//
// rustc ends a variable's life where its scope is left, but not where that is by unwinding. A destroyed coroutine goes
// the way of unwinding, so that variables of scopes that follow one another all seem to live where those ways meet, and
// LLVM gives each of them memory of its own in the frame. So a life is ended on the edge from the suspension to its
// cleanup, if nothing there can use the variable.

#pragma once

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/StackLifetime.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

class LocalLives {
public:
  // Notes which variables are alive at which call, as long as the function is what rustc made.
  explicit LocalLives(llvm::Function &function) {
    using namespace llvm;
    SmallVector<const AllocaInst *> bounded;
    for (Instruction &instruction : function.getEntryBlock())
      if (auto *local = dyn_cast<AllocaInst>(&instruction); local && any_of(local->users(), isLifetime))
        bounded.push_back(local);
    if (bounded.empty()) return;
    StackLifetime lives(function, bounded, StackLifetime::LivenessType::May);
    lives.run();
    for (Instruction &instruction : instructions(function)) {
      auto *call = dyn_cast<CallBase>(&instruction);
      if (!call || !lives.isReachable(call)) continue;
      for (const AllocaInst *local : bounded)
        if (lives.isAliveAfter(local, call)) alive[call].push_back(const_cast<AllocaInst *>(local));
    }
  }

  bool any(llvm::CallBase *call) const { return alive.contains(call); }

  // Ends the lives of those alive at `call` that are not used from `cleanup` on until `last`. No cleanup: of all.
  void end(llvm::IRBuilder<> &builder, llvm::CallBase *call, llvm::BasicBlock *cleanup, llvm::BasicBlock *last) const {
    using namespace llvm;
    SmallPtrSet<BasicBlock *, 16> reached;
    SmallVector<BasicBlock *> left;
    if (cleanup) left.push_back(cleanup);
    while (!left.empty()) {
      BasicBlock *block = left.pop_back_val();
      if (block != last && reached.insert(block).second) append_range(left, successors(block));
    }
    const bool reads = any_of(reached, [](BasicBlock *block) {
      return any_of(*block, [](Instruction &instruction) { return instruction.mayReadFromMemory(); });
    });
    for (AllocaInst *local : alive.lookup(call))
      if (!mayBeUsed(local, reached, reads)) builder.CreateLifetimeEnd(local);
  }

private:
  llvm::DenseMap<llvm::CallBase *, llvm::SmallVector<llvm::AllocaInst *>> alive;

  static bool isLifetime(llvm::User *user) {
    auto *call = llvm::dyn_cast<llvm::CallBase>(user);
    return call && call->isLifetimeStartOrEnd();
  }

  // Whether an instruction in `blocks` names the variable, or may find its address elsewhere, where they read at all.
  static bool mayBeUsed(llvm::AllocaInst *local, const llvm::SmallPtrSetImpl<llvm::BasicBlock *> &blocks, bool reads) {
    using namespace llvm;
    SmallVector<Value *> addresses{local};
    while (!addresses.empty()) {
      Value *address = addresses.pop_back_val();
      for (User *user : address->users()) {
        if (isLifetime(user)) continue;
        auto *instruction = cast<Instruction>(user);
        if (blocks.contains(instruction->getParent())) return true;
        if (isa<GetElementPtrInst>(instruction)) addresses.push_back(instruction);
        else if (isa<LoadInst>(instruction) || isa<MemIntrinsic>(instruction)) continue;
        else if (auto *store = dyn_cast<StoreInst>(instruction); store && store->getValueOperand() != address) continue;
        else if (reads) return true;
      }
    }
    return false;
  }
};
