// What makes a function a coroutine: from a body as rustc has translated it to LLVM's intrinsics, switch lowering.
//
//   the function           becomes a ramp: it allocates a frame, suspends, and returns the frame's address, the handle
//   `coro_suspend()`       the handle goes to `coro_suspended`, a function of the peer's; the coroutine suspends
//   a call of a coroutine  the callee is created, the caller's handle put into its promise, and the caller suspends by
//                          a jump to the callee; when it is resumed, the result is read from the promise
//   `coro_await(handle)`   the same with a callee that has been created before, whose result is a u64
//   a return               the result goes to the promise, and the coroutine jumps to the caller in it
//   destroying             goes where an unwinding out of the suspension goes: rustc's cleanup drops what is live there
//
// The jumps are calls that LLVM guarantees to be tail calls, also without optimisation. A promise is
// { caller, result }.

#pragma once

#include "frame_lives.hpp"
#include "local_lives.hpp"

#include "llvm/IR/Intrinsics.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

// See plugin.cpp.
struct Options {
  bool elide = false, separate = false, eager = false, keepAttributes = false;
};

inline Value *promiseOf(IRBuilder<> &builder, Value *handle, Align align) {
  Function *promise = Intrinsic::getOrInsertDeclaration(builder.GetInsertBlock()->getModule(), Intrinsic::coro_promise);
  return builder.CreateCall(promise, {handle, builder.getInt32(align.value()), builder.getFalse()});
}

class Lowering {
public:
  Lowering(Module &module, Options options) : module(module), context(module.getContext()), options(options) {
    auto *same = FunctionType::get(pointer, {pointer, pointer}, false);
    itself = Function::Create(same, Function::InternalLinkage, "coro_itself", module);
    itself->addFnAttr(Attribute::AlwaysInline);
    itself->setDoesNotThrow();
    IRBuilder<>(BasicBlock::Create(context, "", itself)).CreateRet(itself->getArg(0));
  }

  // Moves a function's body to a function that returns a handle.
  void makeRamp(Function *function) {
    auto *type = FunctionType::get(pointer, function->getFunctionType()->params(), false);
    Function *ramp = Function::Create(type, function->getLinkage(), function->getAddressSpace(), "", &module);
    ramp->takeName(function);
    ramp->setVisibility(function->getVisibility());
    ramp->setUnnamedAddr(function->getUnnamedAddr());
    ramp->setDSOLocal(function->isDSOLocal());
    ramp->setCallingConv(function->getCallingConv());
    if (function->hasPersonalityFn()) ramp->setPersonalityFn(function->getPersonalityFn());
    copyAttributes(function, ramp);
    ramp->setPresplitCoroutine();
    ramp->splice(ramp->begin(), function);
    for (auto [from, to] : zip_equal(function->args(), ramp->args())) {
      to.takeName(&from);
      from.replaceAllUsesWith(&to);
    }
    Type *result = function->getReturnType();
    SmallVector<Type *> fields{pointer};
    if (!result->isVoidTy()) fields.push_back(result);
    auto *promise = StructType::get(context, fields);
    const Align align = std::max(Align(8), module.getDataLayout().getABITypeAlign(promise));
    coroutines.try_emplace(function, Coroutine{ramp, result, promise, align});
  }

  // Turns the ramp's body into a coroutine.
  void lower(Function *function) {
    const Coroutine coroutine = coroutines.lookup(function);
    Function *ramp = coroutine.ramp;
    const LocalLives lives(*ramp);
    SmallVector<CallBase *> suspends, awaits;
    SmallVector<ReturnInst *> returns;
    SmallVector<ResumeInst *> unwinds;
    for (Instruction &instruction : instructions(ramp)) {
      if (auto *call = dyn_cast<CallBase>(&instruction)) {
        if (isCallOf(call, "coro_suspend")) suspends.push_back(call);
        else if (isCallOf(call, "coro_await") || isAwait(call)) awaits.push_back(call);
      } else if (auto *ret = dyn_cast<ReturnInst>(&instruction)) returns.push_back(ret);
      else if (auto *unwind = dyn_cast<ResumeInst>(&instruction)) unwinds.push_back(unwind);
    }
    State state(coroutine, lives);
    begin(state);
    for (CallBase *call : suspends) lowerSuspend(state, call);
    for (CallBase *call : awaits) lowerAwait(state, call);
    for (ReturnInst *ret : returns) lowerReturn(state, ret);
    for (ResumeInst *unwind : unwinds) lowerUnwind(state, unwind);
    end(state, !returns.empty());
    removeUnreachableBlocks(*ramp);
  }

  // Lets those that named the function name the ramp. What is left of them are calls that create a value.
  void forget(Function *function) {
    Function *ramp = coroutines.lookup(function).ramp;
    for (User *user : function->users()) {
      auto *call = dyn_cast<CallBase>(user);
      if (!call || call->getCalledOperand() != function || call->getFunctionType() != ramp->getFunctionType())
        context.emitError("the address of the coroutine " + ramp->getName() + " is taken: calls by it were no awaits");
    }
    function->replaceAllUsesWith(ramp);
    function->eraseFromParent();
  }

private:
  struct Coroutine {
    Function *ramp = nullptr;
    Type *result = nullptr;
    StructType *promise = nullptr;
    Align promiseAlign;
  };

  // The second half of a landing pad, where a destruction comes in, and what it needs from the first.
  struct Pad {
    BasicBlock *rest = nullptr;
    PHINode *exception = nullptr;
    SmallVector<std::pair<PHINode *, PHINode *>> values; // in the first half, in the second
  };

  // Of one coroutine while it is lowered.
  struct State {
    const Coroutine &coroutine;
    const LocalLives &lives;
    Value *id = nullptr, *handle = nullptr, *promise = nullptr;
    // Whether the cleanup was entered by a destruction: then it ends with the frame's, and does not unwind.
    Value *destroying = nullptr;
    // The return to who created or resumed; the frame's end; what a return leads to.
    BasicBlock *leave = nullptr, *free = nullptr, *final = nullptr;
    DenseMap<LandingPadInst *, Pad> pads;

    State(const Coroutine &coroutine, const LocalLives &lives) : coroutine(coroutine), lives(lives) {}
  };

  Module &module;
  LLVMContext &context;
  const Options options;
  PointerType *pointer = PointerType::getUnqual(context);
  // A jump goes to what a function says that is given a handle: this one gives the handle itself.
  Function *itself;
  DenseMap<Function *, Coroutine> coroutines;
  unsigned frames = 0;

  Function *intrinsic(Intrinsic::ID id, ArrayRef<Type *> types = {}) {
    return Intrinsic::getOrInsertDeclaration(&module, id, types);
  }

  // A function of the peer's.
  FunctionCallee peers(StringRef name, Type *result, ArrayRef<Type *> parameters) {
    return module.getOrInsertFunction(name, FunctionType::get(result, parameters, false));
  }

  static bool isCallOf(CallBase *call, StringRef name) {
    auto *callee = dyn_cast<Function>(call->getCalledOperand());
    return callee && callee->getName() == name;
  }

  // A call by the function's own type; one by another type creates a value.
  bool isAwait(CallBase *call) const {
    auto *callee = dyn_cast<Function>(call->getCalledOperand());
    return callee && coroutines.contains(callee) && call->getFunctionType() == callee->getFunctionType();
  }

  // A ramp returns long before its body ends, and the body runs on in other functions. So what rustc says of the time
  // of a call is false of a ramp: that an argument's memory is not written to by others, not kept, not used any more,
  // and that the function does not unwind, returns, and the like.
  void copyAttributes(Function *function, Function *ramp) {
    AttrBuilder ofFunction(context, function->getAttributes().getFnAttrs());
    ofFunction.removeAttribute(Attribute::NoInline);
    if (options.separate) ofFunction.addAttribute(Attribute::NoInline);
    if (!options.keepAttributes)
      for (auto kind : {Attribute::Memory, Attribute::WillReturn, Attribute::NoSync, Attribute::NoFree,
                        Attribute::NoUnwind, Attribute::InlineHint, Attribute::AlwaysInline})
        ofFunction.removeAttribute(kind);
    ramp->addFnAttrs(ofFunction);
    for (unsigned i = 0; i != function->arg_size(); ++i) {
      AttrBuilder ofArgument(context, function->getAttributes().getParamAttrs(i));
      ofArgument.removeAttribute(Attribute::StructRet).removeAttribute(Attribute::Returned);
      if (!options.keepAttributes)
        for (auto kind : {Attribute::NoAlias, Attribute::DeadOnReturn, Attribute::Captures, Attribute::ReadOnly,
                          Attribute::ReadNone, Attribute::WriteOnly, Attribute::Writable, Attribute::Initializes,
                          Attribute::NoFree})
          ofArgument.removeAttribute(kind);
      ramp->addParamAttrs(i, ofArgument);
    }
  }

  // The beginning: frame, handle, and the first suspension, unless it is eager.
  void begin(State &state) {
    Function *ramp = state.coroutine.ramp;
    BasicBlock *entry = &ramp->getEntryBlock();
    // The local variables stay in the first block, as LLVM wants them.
    auto first = entry->begin();
    while (isa<AllocaInst>(first)) ++first;
    BasicBlock *body = entry->splitBasicBlock(first, "body");
    entry->getTerminator()->eraseFromParent();
    state.leave = BasicBlock::Create(context, "leave", ramp);
    state.free = BasicBlock::Create(context, "free", ramp);
    state.final = BasicBlock::Create(context, "final", ramp);
    BasicBlock *allocate = BasicBlock::Create(context, "allocate", ramp, body);
    BasicBlock *begun = BasicBlock::Create(context, "begun", ramp, body);

    IRBuilder<> builder(entry);
    const Align align = state.coroutine.promiseAlign;
    auto *promise = builder.CreateAlloca(state.coroutine.promise, nullptr, "promise");
    promise->setAlignment(align);
    state.promise = promise;
    state.destroying = builder.CreateAlloca(builder.getInt1Ty(), nullptr, "destroying");
    auto *null = ConstantPointerNull::get(pointer);
    Value *alignment = builder.getInt32(align.value());
    state.id = builder.CreateCall(intrinsic(Intrinsic::coro_id), {alignment, promise, null, null});
    // No, if its caller has a place for it.
    builder.CreateCondBr(builder.CreateCall(intrinsic(Intrinsic::coro_alloc), {state.id}), allocate, begun);
    builder.SetInsertPoint(allocate);
    Type *i64 = builder.getInt64Ty();
    Value *size = builder.CreateCall(intrinsic(Intrinsic::coro_size, {i64}));
    Value *allocated = builder.CreateCall(peers("coro_alloc", pointer, {i64}), {size});
    builder.CreateBr(begun);
    builder.SetInsertPoint(begun);
    PHINode *memory = builder.CreatePHI(pointer, 2);
    memory->addIncoming(null, entry);
    memory->addIncoming(allocated, allocate);
    state.handle = builder.CreateCall(intrinsic(Intrinsic::coro_begin), {state.id, memory}, "handle");
    builder.CreateStore(builder.getFalse(), state.destroying);
    // Destroyed before it has begun, it has nothing to drop: arguments of values are `Copy`.
    if (options.eager) builder.CreateBr(body);
    else suspend(state, builder, save(state, builder), false, body, state.free);
  }

  // The end: the last suspension, the frame's memory, and the return from the ramp or from a resume.
  void end(State &state, bool returns) {
    IRBuilder<> builder(state.final);
    if (returns) {
      Value *saved = save(state, builder);
      BasicBlock *last = state.final;
      if (options.eager) {
        // Nobody waits yet for one that ends in its ramp: whoever created it looks whether it is done.
        BasicBlock *transfer = BasicBlock::Create(context, "transfer", state.coroutine.ramp);
        last = BasicBlock::Create(context, "last", state.coroutine.ramp);
        builder.CreateCondBr(builder.CreateCall(intrinsic(Intrinsic::coro_is_in_ramp)), last, transfer);
        builder.SetInsertPoint(transfer);
        jump(state, builder, builder.CreateLoad(pointer, state.promise, "caller"));
        builder.CreateBr(last);
        builder.SetInsertPoint(last);
      } else {
        jump(state, builder, builder.CreateLoad(pointer, state.promise, "caller"));
      }
      suspend(state, builder, saved, true, nullptr, state.free);
    } else {
      builder.CreateUnreachable();
    }
    builder.SetInsertPoint(state.free);
    freeFrame(state, builder, state.leave);
    builder.SetInsertPoint(state.leave);
    coroEnd(state, builder, false);
    builder.CreateRet(state.handle);
  }

  Value *save(State &state, IRBuilder<> &builder) {
    return builder.CreateCall(intrinsic(Intrinsic::coro_save), {state.handle});
  }

  void jump(State &state, IRBuilder<> &builder, Value *to) {
    builder.CreateCall(intrinsic(Intrinsic::coro_await_suspend_handle), {to, state.handle, itself});
  }

  void suspend(State &state, IRBuilder<> &builder, Value *saved, bool final, BasicBlock *on, BasicBlock *destroyed) {
    Value *how = builder.CreateCall(intrinsic(Intrinsic::coro_suspend), {saved, builder.getInt1(final)});
    SwitchInst *which = builder.CreateSwitch(how, state.leave, 2);
    if (on) which->addCase(builder.getInt8(0), on);
    which->addCase(builder.getInt8(1), destroyed);
  }

  void coroEnd(State &state, IRBuilder<> &builder, bool unwinds) {
    builder.CreateCall(intrinsic(Intrinsic::coro_end),
                       {state.handle, builder.getInt1(unwinds), ConstantTokenNone::get(context)});
  }

  void freeFrame(State &state, IRBuilder<> &builder, BasicBlock *then) {
    BasicBlock *own = BasicBlock::Create(context, "own", state.coroutine.ramp);
    Value *memory = builder.CreateCall(intrinsic(Intrinsic::coro_free), {state.id, state.handle});
    builder.CreateCondBr(builder.CreateIsNotNull(memory), own, then);
    builder.SetInsertPoint(own);
    Type *i64 = builder.getInt64Ty();
    Value *size = builder.CreateCall(intrinsic(Intrinsic::coro_size, {i64}));
    builder.CreateCall(peers("coro_free", builder.getVoidTy(), {pointer, i64}), {memory, size});
    builder.CreateBr(then);
  }

  // The block to which a call goes on, with nothing in it yet that the call decides.
  BasicBlock *continuation(CallBase *call) {
    auto *invoke = dyn_cast<InvokeInst>(call);
    if (!invoke) return call->getParent()->splitBasicBlock(call->getNextNode(), "resumed");
    BasicBlock *normal = invoke->getNormalDest();
    BasicBlock *edge = BasicBlock::Create(context, "resumed", call->getFunction(), normal);
    IRBuilder<>(edge).CreateBr(normal);
    normal->replacePhiUsesWith(invoke->getParent(), edge);
    return edge;
  }

  // The block where a coroutine goes that is destroyed while it waits in `call`.
  BasicBlock *destruction(State &state, CallBase *call) {
    auto *invoke = dyn_cast<InvokeInst>(call);
    if (!invoke && !state.lives.any(call)) return state.free;
    BasicBlock *block = BasicBlock::Create(context, "destroyed", state.coroutine.ramp);
    IRBuilder<> builder(block);
    if (!invoke) {
      state.lives.end(builder, call, nullptr, nullptr);
      builder.CreateBr(state.free);
      return block;
    }
    const Pad &pad = padOf(state, invoke->getLandingPadInst());
    builder.CreateStore(builder.getTrue(), state.destroying);
    state.lives.end(builder, call, pad.rest, state.free);
    builder.CreateBr(pad.rest);
    pad.exception->addIncoming(PoisonValue::get(pad.exception->getType()), block);
    for (auto [first, second] : pad.values)
      second->addIncoming(first->getIncomingValueForBlock(invoke->getParent()), block);
    return block;
  }

  // Splits a landing pad behind what only unwinding may enter by.
  const Pad &padOf(State &state, LandingPadInst *landing) {
    auto [place, isNew] = state.pads.try_emplace(landing);
    Pad &pad = place->second;
    if (!isNew) return pad;
    BasicBlock *block = landing->getParent();
    pad.rest = block->splitBasicBlock(std::next(landing->getIterator()), "cleanup");
    const auto merge = [&](Instruction *value) {
      PHINode *merged = PHINode::Create(value->getType(), 2, "", pad.rest->getFirstNonPHIIt());
      value->replaceAllUsesWith(merged);
      merged->addIncoming(value, block);
      return merged;
    };
    pad.exception = merge(landing);
    for (PHINode &value : block->phis()) pad.values.emplace_back(&value, nullptr);
    for (auto &[first, second] : pad.values) second = merge(first);
    return pad;
  }

  void lowerSuspend(State &state, CallBase *call) {
    BasicBlock *on = continuation(call), *destroyed = destruction(state, call), *block = call->getParent();
    if (auto *invoke = dyn_cast<InvokeInst>(call)) invoke->getUnwindDest()->removePredecessor(block, true);
    else block->getTerminator()->eraseFromParent();
    call->eraseFromParent();
    IRBuilder<> builder(block);
    Value *saved = save(state, builder);
    builder.CreateCall(peers("coro_suspended", builder.getVoidTy(), {pointer}), {state.handle});
    suspend(state, builder, saved, false, on, destroyed);
  }

  void lowerAwait(State &state, CallBase *call) {
    Function *ramp = state.coroutine.ramp;
    const bool isValue = isCallOf(call, "coro_await");
    auto *invoke = dyn_cast<InvokeInst>(call);
    Type *result = call->getType();
    BasicBlock *on = continuation(call), *destroyed = destruction(state, call), *block = call->getParent();
    if (!invoke) block->getTerminator()->eraseFromParent();
    call->removeFromParent();

    IRBuilder<> builder(block);
    Value *callee, *frame = nullptr;
    Align align(8);
    StructType *promiseType = StructType::get(context, {pointer, result});
    const bool unwinds = invoke && !isValue && options.eager; // else the callee has not begun to run
    if (invoke && !unwinds) invoke->getUnwindDest()->removePredecessor(block, true);
    if (isValue) {
      callee = call->getArgOperand(0);
    } else {
      const Coroutine &called = coroutines.find(cast<Function>(call->getCalledOperand()))->second;
      align = called.promiseAlign;
      promiseType = called.promise;
      if (options.elide) {
        frame = builder.getInt32(++frames);
        builder.CreateCall(mark(FRAME_BEGIN, {builder.getInt32Ty()}), {frame});
      }
      const SmallVector<Value *> arguments(call->args());
      CallBase *create;
      if (unwinds) {
        BasicBlock *created = BasicBlock::Create(context, "created", ramp, on);
        create = builder.CreateInvoke(called.ramp, created, invoke->getUnwindDest(), arguments);
        builder.SetInsertPoint(created);
      } else {
        create = builder.CreateCall(called.ramp, arguments);
      }
      create->setCallingConv(call->getCallingConv());
      if (options.elide) create->addFnAttr(Attribute::CoroElideSafe);
      callee = create;
    }

    BasicBlock *returned = BasicBlock::Create(context, "returned", ramp, on);
    BasicBlock *destroy = BasicBlock::Create(context, "destroy", ramp);
    Value *promise = promiseOf(builder, callee, align);
    if (options.eager) {
      BasicBlock *pending = BasicBlock::Create(context, "pending", ramp, returned);
      builder.CreateCondBr(builder.CreateCall(intrinsic(Intrinsic::coro_done), {callee}), returned, pending);
      builder.SetInsertPoint(pending);
    }
    builder.CreateStore(state.handle, promise);
    Value *saved = save(state, builder);
    if (!options.eager) jump(state, builder, callee);
    suspend(state, builder, saved, false, returned, destroy);

    builder.SetInsertPoint(destroy);
    builder.CreateCall(intrinsic(Intrinsic::coro_destroy), {callee});
    if (frame) builder.CreateCall(mark(FRAME_DESTROYED, {builder.getInt32Ty(), pointer}), {frame, callee});
    builder.CreateBr(destroyed);

    builder.SetInsertPoint(returned);
    if (!result->isVoidTy())
      call->replaceAllUsesWith(builder.CreateLoad(result, builder.CreateStructGEP(promiseType, promise, 1)));
    if (frame) builder.CreateCall(mark(FRAME_RETURNED, {builder.getInt32Ty(), pointer}), {frame, callee});
    builder.CreateCall(intrinsic(Intrinsic::coro_destroy), {callee});
    builder.CreateBr(on);
    on->replacePhiUsesWith(block, returned);
    call->deleteValue();
  }

  // See frame_lives.hpp. It reads and writes nothing that anybody else does, and so stays where it is.
  FunctionCallee mark(StringRef name, ArrayRef<Type *> parameters) {
    FunctionCallee mark = peers(name, Type::getVoidTy(context), parameters);
    auto *function = cast<Function>(mark.getCallee());
    function->setDoesNotThrow();
    function->setWillReturn();
    function->setMemoryEffects(MemoryEffects::inaccessibleMemOnly());
    return mark;
  }

  void lowerReturn(State &state, ReturnInst *ret) {
    IRBuilder<> builder(ret);
    if (Value *value = ret->getReturnValue())
      builder.CreateStore(value, builder.CreateStructGEP(state.coroutine.promise, state.promise, 1));
    builder.CreateBr(state.final);
    ret->eraseFromParent();
  }

  // The end of a cleanup. A coroutine that unwinds is done; whoever has its handle destroys it.
  void lowerUnwind(State &state, ResumeInst *unwind) {
    Function *ramp = state.coroutine.ramp;
    BasicBlock *block = unwind->getParent();
    BasicBlock *out = block->splitBasicBlock(unwind, "unwind");
    block->getTerminator()->eraseFromParent();
    IRBuilder<> builder(block);
    builder.CreateCondBr(builder.CreateLoad(builder.getInt1Ty(), state.destroying), state.free, out);
    builder.SetInsertPoint(unwind);
    if (options.eager) {
      // A ramp that unwinds has given its handle to nobody.
      BasicBlock *inRamp = BasicBlock::Create(context, "unwind.ramp", ramp);
      BasicBlock *end = out->splitBasicBlock(unwind, "unwind.end");
      out->getTerminator()->eraseFromParent();
      builder.SetInsertPoint(out);
      builder.CreateCondBr(builder.CreateCall(intrinsic(Intrinsic::coro_is_in_ramp)), inRamp, end);
      builder.SetInsertPoint(inRamp);
      freeFrame(state, builder, end);
      builder.SetInsertPoint(unwind);
    }
    coroEnd(state, builder, true);
  }
};
