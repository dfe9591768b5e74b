// The solvers behind the sampler registry, one source file a family.
#pragma once

#include "diffusion/sampler.h"

namespace obscura::diffusion {

// euler.cpp
Result<Tensor> solve_euler(Solver& run, Tensor x);
Result<Tensor> solve_euler_ancestral(Solver& run, Tensor x);
Result<Tensor> solve_euler_ancestral_cfg_pp(Solver& run, Tensor x);
Result<Tensor> solve_euler_pp(Solver& run, Tensor x);
Result<Tensor> solve_ddpm(Solver& run, Tensor x);
Result<Tensor> solve_lcm(Solver& run, Tensor x);
Result<Tensor> solve_lcm_upscale(Solver& run, Tensor x);
// heun.cpp
Result<Tensor> solve_heun(Solver& run, Tensor x);
Result<Tensor> solve_heunpp2(Solver& run, Tensor x);
// dpm_2.cpp
Result<Tensor> solve_dpm_2(Solver& run, Tensor x);
Result<Tensor> solve_dpm_2_ancestral(Solver& run, Tensor x);
// dpm_solver.cpp
Result<Tensor> solve_dpm_fast(Solver& run, Tensor x);
Result<Tensor> solve_dpm_adaptive(Solver& run, Tensor x);
// dpmpp_2m.cpp
Result<Tensor> solve_dpmpp_2m(Solver& run, Tensor x);
Result<Tensor> solve_dpmpp_2m_cfg_pp(Solver& run, Tensor x);
// dpmpp_2s_ancestral.cpp
Result<Tensor> solve_dpmpp_2s_ancestral(Solver& run, Tensor x);
Result<Tensor> solve_dpmpp_2s_ancestral_cfg_pp(Solver& run, Tensor x);
// dpmpp_sde.cpp
Result<Tensor> solve_dpmpp_sde(Solver& run, Tensor x);
// dpmpp_multistep_sde.cpp
Result<Tensor> solve_dpmpp_2m_sde(Solver& run, Tensor x);
Result<Tensor> solve_dpmpp_3m_sde(Solver& run, Tensor x);
// adams_bashforth.cpp
Result<Tensor> solve_lms(Solver& run, Tensor x);
Result<Tensor> solve_ipndm(Solver& run, Tensor x);
Result<Tensor> solve_ipndm_v(Solver& run, Tensor x);
Result<Tensor> solve_deis(Solver& run, Tensor x);
// res_multistep.cpp
Result<Tensor> solve_res_multistep(Solver& run, Tensor x);
Result<Tensor> solve_res_multistep_cfg_pp(Solver& run, Tensor x);
// gradient_estimation.cpp
Result<Tensor> solve_gradient_estimation(Solver& run, Tensor x);
Result<Tensor> solve_gradient_estimation_cfg_pp(Solver& run, Tensor x);
// er_sde.cpp
Result<Tensor> solve_er_sde(Solver& run, Tensor x);
// seeds.cpp
Result<Tensor> solve_seeds_2(Solver& run, Tensor x);
Result<Tensor> solve_seeds_3(Solver& run, Tensor x);
// sa_solver.cpp
Result<Tensor> solve_sa_solver(Solver& run, Tensor x);
// uni_pc.cpp
Result<Tensor> solve_uni_pc(Solver& run, Tensor x);
Result<Tensor> solve_uni_pc_bh2(Solver& run, Tensor x);

}  // namespace obscura::diffusion
