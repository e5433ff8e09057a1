/*
 * Nodes stand in one array, each before its children, and knows where its subtree ends: the next
 * sibling is there. Strings stand in one run of bytes, named by where they are in it. Both readers
 * fill a draft, which is then copied into a block of just its size.
 */
#include "gateway/protocol/filter.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "gateway/protocol/decimal.h"
#include "gateway/protocol/protobuf.h"

enum op { OP_LEAF, OP_AND, OP_OR, OP_NOT };

enum cmp {
    CMP_EQ,
    CMP_NEQ,
    CMP_IN,
    CMP_NIN,
    CMP_EX,
    CMP_NEX,
    CMP_SW,
    CMP_EW,
    CMP_CT,
    CMP_LT,
    CMP_LTE,
    CMP_GT,
    CMP_GTE,
    CMP_NONE, /* a leaf that says so is refused */
};

static const char *const op_names[] = {"", "and", "or", "not"};
static const char *const cmp_names[] = {"eq", "neq", "in", "nin", "ex", "nex", "sw",
                                        "ew", "ct",  "lt", "lte", "gt", "gte", ""};

/* A string: its place in `strings`. */
struct span {
    uint32_t at, len;
};

struct node {
    uint8_t op, cmp;
    uint16_t end; /* number of the node that follows this one's subtree */
    uint16_t first_val, val_count;
    struct span key, val;
};

struct filter {
    const char *strings;
    const struct span *vals; /* those of one node in the order of compare_strings() */
    struct node nodes[];     /* the first is the root */
};

struct draft {
    struct node nodes[FILTER_NODES_MAX];
    struct span vals[FILTER_VALS_MAX];
    size_t node_count, val_count;
    struct buf strings;
};

/* ---- strings ---- */

static struct text string_at(const char *strings, struct span span)
{
    return span.len > 0 ? text_of(strings + span.at, span.len) : (struct text){0};
}

/* Any order would do: this one seldom looks at the bytes. */
static int compare_strings(struct text a, struct text b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len > 0 ? memcmp(a.at, b.at, a.len) : 0;
}

static int compare_spans(const void *a, const void *b, void *strings)
{
    return compare_strings(string_at(strings, *(const struct span *)a),
                           string_at(strings, *(const struct span *)b));
}

static struct span add_string(struct draft *draft, struct text text)
{
    const struct span span = {(uint32_t)draft->strings.len, (uint32_t)text.len};
    buf_add_text(&draft->strings, text);
    return span;
}

/* ---- the draft ---- */

/* A node at `depth`, or NULL when there are too many or it stands too deep. */
static struct node *open_node(struct draft *draft, size_t depth)
{
    if (depth > FILTER_DEPTH_MAX || draft->node_count == FILTER_NODES_MAX)
        return NULL;
    struct node *node = &draft->nodes[draft->node_count++];
    *node = (struct node){.cmp = CMP_NONE, .first_val = (uint16_t)draft->val_count};
    return node;
}

/* The node's next string of `vals`; all of them are added before its children are. */
static bool add_val(struct draft *draft, struct node *node, struct span val)
{
    if (draft->val_count == FILTER_VALS_MAX)
        return false;
    draft->vals[draft->val_count++] = val;
    node->val_count++;
    return true;
}

static bool check_leaf(const struct draft *draft, const struct node *node)
{
    const bool has_val = node->val.len > 0, has_vals = node->val_count > 0;

    if (node->key.len == 0)
        return false;
    switch ((enum cmp)node->cmp) {
    case CMP_EQ:
    case CMP_NEQ:
    case CMP_SW:
    case CMP_EW:
    case CMP_CT:
        return has_val && !has_vals;
    case CMP_IN:
    case CMP_NIN:
        return has_vals && !has_val;
    case CMP_EX:
    case CMP_NEX:
        return !has_val && !has_vals;
    case CMP_LT:
    case CMP_LTE:
    case CMP_GT:
    case CMP_GTE:
        return !has_vals && decimal_valid(string_at(draft->strings.at, node->val));
    case CMP_NONE:
        break;
    }
    return false;
}

/* All of the node is there, and all below it. */
static bool close_node(struct draft *draft, struct node *node, size_t child_count)
{
    node->end = (uint16_t)draft->node_count;
    if (node->val_count > 1)
        qsort_r(&draft->vals[node->first_val], node->val_count, sizeof(struct span), compare_spans,
                draft->strings.at);
    switch ((enum op)node->op) {
    case OP_LEAF:
        return child_count == 0 && check_leaf(draft, node);
    case OP_AND:
    case OP_OR:
        return child_count > 0;
    case OP_NOT:
        return child_count == 1;
    }
    return false;
}

static struct filter *compile(const struct draft *draft)
{
    const size_t nodes_bytes = draft->node_count * sizeof(struct node);
    const size_t vals_bytes = draft->val_count * sizeof(struct span);
    struct filter *filter =
        xmalloc(sizeof(*filter) + nodes_bytes + vals_bytes + draft->strings.len);
    char *const vals = (char *)filter->nodes + nodes_bytes, *const strings = vals + vals_bytes;

    memcpy(filter->nodes, draft->nodes, nodes_bytes);
    memcpy(vals, draft->vals, vals_bytes);
    if (draft->strings.len > 0)
        memcpy(strings, draft->strings.at, draft->strings.len);
    filter->vals = (const struct span *)vals;
    filter->strings = strings;
    return filter;
}

static bool find_name(const char *const names[], size_t count, struct text name, uint8_t *found)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(name, text(names[i]))) {
            *found = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool set_op(struct node *node, struct text name)
{
    return find_name(op_names, ARRAY_COUNT(op_names), name, &node->op);
}

static bool set_cmp(struct node *node, struct text name)
{
    return find_name(cmp_names, ARRAY_COUNT(cmp_names), name, &node->cmp);
}

/* ---- JSON ---- */

static bool read_string(struct draft *draft, struct json_value value, struct span *out)
{
    const size_t at = draft->strings.len;

    if (json_is_given(value) && !json_to_text(value, &draft->strings))
        return false;
    *out = (struct span){(uint32_t)at, (uint32_t)(draft->strings.len - at)};
    return true;
}

/* A name is looked up and need not be kept. */
static bool read_name(struct draft *draft, struct json_value value, struct node *node,
                      bool (*set)(struct node *node, struct text name))
{
    struct span span;

    if (!read_string(draft, value, &span))
        return false;
    draft->strings.len = span.at;
    return set(node, string_at(draft->strings.at, span));
}

static bool is_list(struct json_value value)
{
    return !json_is_given(value) || json_kind(value) == JSON_ARRAY;
}

static bool read_json_vals(struct draft *draft, struct node *node, struct json_value vals)
{
    if (!is_list(vals))
        return false;
    for (struct json_iter it = json_iter(vals); json_next(&it);) {
        struct span val;
        if (json_kind(it.value) != JSON_STRING || !read_string(draft, it.value, &val) ||
            !add_val(draft, node, val))
            return false;
    }
    return true;
}

/* Recursion ends at FILTER_DEPTH_MAX. */
static bool read_json_node(struct draft *draft, struct json_value value, size_t depth)
{
    struct node *node = open_node(draft, depth);
    const struct json_value nodes = json_get(value, "nodes");

    if (node == NULL || json_kind(value) != JSON_OBJECT ||
        !read_name(draft, json_get(value, "op"), node, set_op) ||
        !read_name(draft, json_get(value, "cmp"), node, set_cmp) ||
        !read_string(draft, json_get(value, "key"), &node->key) ||
        !read_string(draft, json_get(value, "val"), &node->val) ||
        !read_json_vals(draft, node, json_get(value, "vals")) || !is_list(nodes))
        return false;
    for (struct json_iter it = json_iter(nodes); json_next(&it);)
        if (!read_json_node(draft, it.value, depth + 1))
            return false;
    return close_node(draft, node, json_size(nodes));
}

enum err filter_read_json(struct filter **out, struct text json)
{
    struct draft draft = {0};
    struct json parsed;

    if (json.len > FILTER_BYTES_MAX)
        return ERR_INVALID;
    const bool valid =
        json_parse(&parsed, json) == ERR_OK && read_json_node(&draft, json_root(&parsed), 1);
    if (valid)
        *out = compile(&draft);
    json_fini(&parsed);
    buf_fini(&draft.strings);
    return valid ? ERR_OK : ERR_INVALID;
}

/* ---- Protobuf ---- */

enum { FIELD_OP = 1, FIELD_KEY, FIELD_CMP, FIELD_VAL, FIELD_VALS, FIELD_NODES };

/* Takes what is no node; of a field that may be there once the last one counts. */
static bool take_field(struct draft *draft, struct node *node, const struct protobuf_field *field)
{
    if (field->number > FIELD_NODES)
        return true;
    if (field->type != PROTOBUF_BYTES)
        return false;
    switch (field->number) {
    case FIELD_OP:
        return set_op(node, field->bytes);
    case FIELD_KEY:
        node->key = add_string(draft, field->bytes);
        return true;
    case FIELD_CMP:
        return set_cmp(node, field->bytes);
    case FIELD_VAL:
        node->val = add_string(draft, field->bytes);
        return true;
    case FIELD_VALS:
        return add_val(draft, node, add_string(draft, field->bytes));
    default:
        return true;
    }
}

/* Recursion ends at FILTER_DEPTH_MAX. Two turns, since fields may come in any order and a node
 * stands before its children. */
static bool read_protobuf_node(struct draft *draft, struct text message, size_t depth)
{
    struct node *node = open_node(draft, depth);
    struct protobuf_field field;
    struct text rest = message;
    size_t child_count = 0;
    int outcome;

    if (node == NULL)
        return false;
    while ((outcome = protobuf_next(&rest, &field)) == 1)
        if (!take_field(draft, node, &field))
            return false;
    if (outcome != 0)
        return false;
    for (rest = message; protobuf_next(&rest, &field) == 1;) {
        if (field.number != FIELD_NODES)
            continue;
        if (!read_protobuf_node(draft, field.bytes, depth + 1))
            return false;
        child_count++;
    }
    return close_node(draft, node, child_count);
}

enum err filter_read_protobuf(struct filter **out, struct text bytes)
{
    struct draft draft = {0};

    if (bytes.len > FILTER_BYTES_MAX)
        return ERR_INVALID;
    const bool valid = read_protobuf_node(&draft, bytes, 1);
    if (valid)
        *out = compile(&draft);
    buf_fini(&draft.strings);
    return valid ? ERR_OK : ERR_INVALID;
}

void filter_destroy(struct filter *filter)
{
    free(filter);
}

/* ---- passing ---- */

static const struct tag *find_tag(const struct tag *tags, size_t count, struct text key)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(tags[i].key, key))
            return &tags[i];
    return NULL;
}

static bool is_one_of(const struct filter *filter, const struct node *node, struct text value)
{
    const struct span *vals = filter->vals + node->first_val;
    size_t low = 0, high = node->val_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_strings(value, string_at(filter->strings, vals[middle]));
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static bool ends_with(struct text whole, struct text end)
{
    return whole.len >= end.len && text_equal(text_after(whole, whole.len - end.len), end);
}

static bool contains(struct text whole, struct text part)
{
    return whole.len >= part.len && memmem(whole.at, whole.len, part.at, part.len) != NULL;
}

static bool compare_numbers(enum cmp cmp, struct text value, struct text limit)
{
    int order;

    if (!decimal_compare(value, limit, &order))
        return false;
    switch (cmp) {
    case CMP_LT:
        return order < 0;
    case CMP_LTE:
        return order <= 0;
    case CMP_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static bool leaf_passes(const struct filter *filter, const struct node *node,
                        const struct tag *tags, size_t count)
{
    const struct tag *tag = find_tag(tags, count, string_at(filter->strings, node->key));
    const struct text val = string_at(filter->strings, node->val);
    const enum cmp cmp = node->cmp;

    if (tag == NULL)
        return cmp == CMP_NEQ || cmp == CMP_NIN || cmp == CMP_NEX;
    switch (cmp) {
    case CMP_EQ:
        return text_equal(tag->value, val);
    case CMP_NEQ:
        return !text_equal(tag->value, val);
    case CMP_IN:
        return is_one_of(filter, node, tag->value);
    case CMP_NIN:
        return !is_one_of(filter, node, tag->value);
    case CMP_EX:
        return true;
    case CMP_NEX:
        return false;
    case CMP_SW:
        return text_starts(tag->value, val);
    case CMP_EW:
        return ends_with(tag->value, val);
    case CMP_CT:
        return contains(tag->value, val);
    default:
        return compare_numbers(cmp, tag->value, val);
    }
}

/* Recursion ends at FILTER_DEPTH_MAX. */
static bool node_passes(const struct filter *filter, size_t number, const struct tag *tags,
                        size_t count)
{
    const struct node *node = &filter->nodes[number];

    if (node->op == OP_LEAF)
        return leaf_passes(filter, node, tags, count);
    if (node->op == OP_NOT)
        return !node_passes(filter, number + 1, tags, count);
    for (size_t child = number + 1; child < node->end; child = filter->nodes[child].end)
        if (node_passes(filter, child, tags, count) == (node->op == OP_OR))
            return node->op ==
                   OP_OR; /* the first one that passes settles "or", that does not "and" */
    return node->op == OP_AND;
}

bool filter_passes(const struct filter *filter, const struct tag *tags, size_t count)
{
    return node_passes(filter, 0, tags, count);
}
