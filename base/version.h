#pragma once

#define PARLEY_VERSION "0.1.0"
