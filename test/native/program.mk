# See program.sh.
CXX ?= g++
# 0: as with a LibTorch that has no oneDNN for us.
ONEDNN ?= 1
FLAGS = -std=c++17 -O2 -g1 -fPIC -fopenmp -Wall -Wextra -Wno-missing-field-initializers -DGRADRING_ONEDNN=$(ONEDNN) -MMD
SOURCES = $(filter-out %/bindings.cc, $(wildcard native/program/*.cc)) $(wildcard native/kernels/*.cc) native/cuda.cc native/onednn.cc native/product.cc
LOOPS = $(wildcard native/kernels/isa/*.cc)
OBJECTS = $(SOURCES:%.cc=$(OUT)/%.o) $(foreach isa, base v3 v4 v4bf16, $(LOOPS:%.cc=$(OUT)/%.$(isa).o))
LIBRARIES = -ltorch -ltorch_cpu -lc10 $(if $(filter 1,$(ONEDNN)),-ldnnl)

all: $(OUT)/program_test $(OUT)/program_bench

base_FLAGS = -march=x86-64
v3_FLAGS = -march=x86-64-v3
v4_FLAGS = -march=x86-64-v4
v4bf16_FLAGS = -march=x86-64-v4 -mavx512bf16

$(OUT)/torch.h.gch: native/torch.h
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -Wno-pragma-once-outside-header -x c++-header -o $@ $<

$(OUT)/native/%.o: native/%.cc $(OUT)/torch.h.gch
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -include $(OUT)/torch.h -c -o $@ $<

$(OUT)/native/kernels/%.o: native/kernels/%.cc
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<

define loop
$(OUT)/native/kernels/isa/%.$(1).o: native/kernels/isa/%.cc
	@mkdir -p $$(@D)
	$(CXX) $(FLAGS) -O3 -Wno-uninitialized -Wno-maybe-uninitialized $$($(1)_FLAGS) -DGRADRING_ISA=$(1) -c -o $$@ $$<
endef
$(foreach isa, base v3 v4 v4bf16, $(eval $(call loop,$(isa))))

$(OUT)/%: test/native/%.cc $(OBJECTS)
	$(CXX) $(FLAGS) -include $(OUT)/torch.h -o $@ $^ $(LIBRARIES)

-include $(OBJECTS:.o=.d)
