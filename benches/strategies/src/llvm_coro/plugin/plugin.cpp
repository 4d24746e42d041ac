// A plugin for LLVM's `opt`: ordinary synchronous functions become coroutines (switch lowering).
//
//   opt -load-pass-plugin=plugin.so -passes='rust-coro<elide>,default<O3>' in.bc -o out.bc
//
// A function is a coroutine if it reaches a call of `coro_suspend` by direct calls, or says so by `coro_function`.
// What happens to it stands in `coroutine.hpp`. Options, between the angle brackets, separated by semicolons:
//
//   elide             a callee's frame may lie in its caller's, where it lives from the call to the return
//   separate          no ramp is inlined into its caller, where LLVM would also elide the frame by itself
//   eager             a coroutine runs when it is created, to its first suspension, and not when it is awaited
//   keep-attributes   keeps attributes that are true of functions and false of coroutines: to show what they break

#include "coroutine.hpp"
#include "frame_lives.hpp"

#include "llvm/ADT/SetVector.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"

using namespace llvm;

namespace {

// Turns all coroutines of a module into what LLVM calls a coroutine, and the driver's calls into intrinsics.
struct RustCoro : PassInfoMixin<RustCoro> {
  Options options;
  explicit RustCoro(Options options) : options(options) {}

  // Also at O0.
  static bool isRequired() { return true; }

  PreservedAnalyses run(Module &module, ModuleAnalysisManager &) {
    Lowering lowering(module, options);
    const auto functions = coroutines(module);
    // All first steps come before any second: a coroutine must know how those that it calls return.
    for (Function *function : functions) lowering.makeRamp(function);
    for (Function *function : functions) lowering.lower(function);
    for (Function *function : functions) lowering.forget(function);
    lowerDriver(module);
    return PreservedAnalyses::none();
  }

  static SetVector<Function *> coroutines(Module &module) {
    SetVector<Function *> found;
    // A call through a pointer of another type creates a coroutine as a value: its caller need not be one.
    const auto addCallers = [&](Function *callee) {
      for (User *user : callee->users()) {
        auto *call = dyn_cast<CallBase>(user);
        if (call && call->getCalledOperand() == callee && call->getFunctionType() == callee->getFunctionType())
          found.insert(call->getFunction());
      }
    };
    for (StringRef name : {"coro_suspend", "coro_await", "coro_function"})
      if (Function *marker = module.getFunction(name)) addCallers(marker);
    if (Function *marker = module.getFunction("coro_function")) eraseCalls(marker);
    for (unsigned i = 0; i != found.size(); ++i) addCallers(found[i]);
    return found;
  }

  // What a driver does with a handle.
  static void lowerDriver(Module &module) {
    const auto is = [&](StringRef name, Intrinsic::ID id) {
      Function *marker = module.getFunction(name);
      if (!marker) return;
      marker->replaceAllUsesWith(Intrinsic::getOrInsertDeclaration(&module, id));
      marker->eraseFromParent();
    };
    is("coro_resume", Intrinsic::coro_resume);
    is("coro_destroy", Intrinsic::coro_destroy);
    is("coro_done", Intrinsic::coro_done);
    is("coro_noop", Intrinsic::coro_noop);
    if (Function *marker = module.getFunction("coro_promise"))
      for (User *user : make_early_inc_range(marker->users())) {
        auto *call = cast<CallBase>(user);
        IRBuilder<> builder(call);
        call->replaceAllUsesWith(promiseOf(builder, call->getArgOperand(0), Align(8)));
        call->eraseFromParent();
      }
  }
};

std::optional<Options> parse(StringRef name) {
  Options options;
  if (!name.consume_front("rust-coro")) return std::nullopt;
  if (name.empty()) return options;
  if (!name.consume_front("<") || !name.consume_back(">")) return std::nullopt;
  SmallVector<StringRef> words;
  name.split(words, ';', -1, false);
  for (StringRef word : words) {
    if (word == "elide") options.elide = true;
    else if (word == "separate") options.separate = true;
    else if (word == "eager") options.eager = true;
    else if (word == "keep-attributes") options.keepAttributes = true;
    else return std::nullopt;
  }
  return options;
}

void registerPasses(PassBuilder &builder) {
  builder.registerPipelineParsingCallback(
      [](StringRef name, ModulePassManager &passes, ArrayRef<PassBuilder::PipelineElement>) {
        const auto options = parse(name);
        if (options) passes.addPass(RustCoro(*options));
        return options.has_value();
      });
  // When a function comes here, the frames of its callees have their places, and it has not been split itself.
  builder.registerCGSCCOptimizerLateEPCallback([](CGSCCPassManager &passes, OptimizationLevel) {
    passes.addPass(createCGSCCToFunctionPassAdaptor(FrameLives()));
  });
  builder.registerOptimizerLastEPCallback(
      [](ModulePassManager &passes, OptimizationLevel, ThinOrFullLTOPhase) { passes.addPass(DropFrameMarks()); });
}

} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "rust-coro", "1", registerPasses};
}
