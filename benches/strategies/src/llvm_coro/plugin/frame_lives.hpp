// How long the frame of a callee lives that lies in its caller's.
//
// LLVM places such a frame, as a local variable of the caller, when the callee has been split. It does not say when the
// variable's life begins and ends, so that two calls one after the other would take memory for both. Marks say it:
// `coroutine.hpp` puts them around each call, where the variable does not exist yet, and the pass here, which runs
// between the placement and the split of the caller, replaces them by LLVM's.

#pragma once

#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"

// The marks. `begin(call)` stands before the call; `returned(call, handle)` before the destruction of a callee that has
// returned; `destroyed(call, handle)` behind that of a callee that has not. `call` is a number.
inline constexpr llvm::StringRef FRAME_BEGIN = "coro_frame_begin", FRAME_RETURNED = "coro_frame_returned",
                                 FRAME_DESTROYED = "coro_frame_destroyed";

inline void eraseCalls(llvm::Function *function) {
  for (llvm::User *user : llvm::make_early_inc_range(function->users()))
    llvm::cast<llvm::Instruction>(user)->eraseFromParent();
}

struct FrameLives : llvm::PassInfoMixin<FrameLives> {
  llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &) {
    using namespace llvm;
    if (!function.isPresplitCoroutine()) return PreservedAnalyses::all();
    SmallVector<CallBase *> begins, ends;
    for (Instruction &instruction : instructions(function)) {
      auto *call = dyn_cast<CallBase>(&instruction);
      const Function *callee = call ? call->getCalledFunction() : nullptr;
      if (!callee) continue;
      if (callee->getName() == FRAME_BEGIN) begins.push_back(call);
      if (callee->getName() == FRAME_RETURNED || callee->getName() == FRAME_DESTROYED) ends.push_back(call);
    }
    if (begins.empty() && ends.empty()) return PreservedAnalyses::all();
    DenseMap<uint64_t, AllocaInst *> frames;
    IRBuilder<> builder(function.getContext());
    for (CallBase *end : ends) {
      // If the handle is no local variable, the frame is an allocation of its own.
      if (auto *frame = dyn_cast<AllocaInst>(end->getArgOperand(1)->stripPointerCasts())) {
        frames[number(end)] = frame;
        if (end->getCalledFunction()->getName() == FRAME_RETURNED) eraseDestruction(end, frame);
        builder.SetInsertPoint(end);
        builder.CreateLifetimeEnd(frame);
      }
      end->eraseFromParent();
    }
    for (CallBase *begin : begins) {
      if (AllocaInst *frame = frames.lookup(number(begin))) {
        builder.SetInsertPoint(begin);
        builder.CreateLifetimeStart(frame);
      }
      begin->eraseFromParent();
    }
    return PreservedAnalyses::none();
  }

private:
  static uint64_t number(llvm::CallBase *mark) {
    return llvm::cast<llvm::ConstantInt>(mark->getArgOperand(0))->getZExtValue();
  }

  // Of a callee that has returned nothing is left to be dropped, and the frame is the caller's: to destroy it would be
  // a call that does nothing.
  static void eraseDestruction(llvm::CallBase *mark, llvm::AllocaInst *frame) {
    using namespace llvm;
    for (Instruction *next = mark->getNextNode(); next; next = next->getNextNode()) {
      auto *call = dyn_cast<CallInst>(next);
      if (!call || call->arg_size() != 1 || call->getArgOperand(0)->stripPointerCasts() != frame) continue;
      // Called directly, or what `coro.subfn.addr` gives.
      const Value *callee = call->getCalledOperand()->stripPointerCasts();
      if (!isa<IntrinsicInst>(callee) && call->getIntrinsicID() != Intrinsic::coro_destroy) continue;
      call->eraseFromParent();
      return;
    }
  }
};

// Removes the marks in functions that were not coroutines when `FrameLives` came to them.
struct DropFrameMarks : llvm::PassInfoMixin<DropFrameMarks> {
  static bool isRequired() { return true; }

  llvm::PreservedAnalyses run(llvm::Module &module, llvm::ModuleAnalysisManager &) {
    for (llvm::StringRef name : {FRAME_BEGIN, FRAME_RETURNED, FRAME_DESTROYED})
      if (llvm::Function *mark = module.getFunction(name)) {
        eraseCalls(mark);
        mark->eraseFromParent();
      }
    return llvm::PreservedAnalyses::none();
  }
};
