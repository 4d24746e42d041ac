/* A plugin for QEMU: counts the instructions that the emulated processor executes, and prints their number at the end.
 *
 * The declarations are those of QEMU's own header, which Debian does not package. */

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

/* The version of this interface; the build says which. */
int qemu_plugin_version = PLUGIN_VERSION;

/* QEMU_PLUGIN_CB_NO_REGS */
enum { NO_REGISTERS = 0 };

static uint64_t executed;

static void executes(unsigned processor, void *data)
{
    (void)processor, (void)data;
    __atomic_fetch_add(&executed, 1, __ATOMIC_RELAXED);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    /* One by one: a block that a signal or a fault leaves is not executed to its end. */
    for (size_t i = 0, count = qemu_plugin_tb_n_insns(block); i < count; i++)
        qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_tb_get_insn(block, i), executes, NO_REGISTERS, NULL);
}

static void ends(qemu_plugin_id_t id, void *data)
{
    (void)id, (void)data;
    fprintf(stderr, "Executed : %" PRIu64 "\n", executed);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments)
{
    (void)info, (void)count, (void)arguments;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ends, NULL);
    return 0;
}
