// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Descriptions and aliases of all models, and the pass that runs one on any device. No device
/// itself, no file format. First what may stand in the slots of a model: right here, so that a
/// compiler that says what is wrong with one names few files on the way to it.
#include "arvit/decoder/causal.hpp"
#include "arvit/decoder/distil.hpp"
#include "arvit/decoder/in_place.hpp"
#include "arvit/decoder/joint.hpp"
#include "arvit/decoder/parallel.hpp"
#include "arvit/decoder/twin.hpp"
#include "arvit/decoder/two_stream.hpp"
#include "arvit/model/vit.hpp"
#include "arvit/order/center_out.hpp"
#include "arvit/order/cluster.hpp"
#include "arvit/order/grouped.hpp"
#include "arvit/order/random_mask.hpp"
#include "arvit/order/raster.hpp"
#include "arvit/order/segments.hpp"
#include "arvit/order/semantic.hpp"
#include "arvit/order/serpentine.hpp"
#include "arvit/order/stochastic.hpp"
#include "arvit/target/codes.hpp"
#include "arvit/target/errors/smooth_l1.hpp"
#include "arvit/target/features.hpp"
#include "arvit/target/gaussian.hpp"
#include "arvit/target/pixel.hpp"
#include "arvit/target/target.hpp"

#include "arvit/model/pretrain_pass.hpp"
#include "arvit/variants.hpp"
