// The one include of ATen; precompiled.
#pragma once
#include <ATen/ATen.h>
#include <torch/csrc/api/include/torch/version.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/SmallVector.h>
